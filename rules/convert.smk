"""ROOT files to event stores."""


rule convert_sample:
    """Convert one ROOT file, one event at a time."""
    input:
        FILES.local_sources,
    output:
        ensure("results/events/{sample}.h5", non_empty=True),
    log:
        "results/logs/convert_sample/{sample}.log",
    benchmark:
        "results/benchmarks/convert_sample/{sample}.tsv"
    wildcard_constraints:
        sample=one_of(OF.converted()),
    threads: 2
    resources:
        mem_mb=lambda w, attempt: 2000 * attempt,
        runtime=lambda w, attempt: 60 * attempt,
    params:
        source=SETTINGS.source,
        unnamed=FILES.unnamed_sources,
        options=SETTINGS.convert_options,
        settings=SETTINGS.convert,
        code=CODE.of_sample("produce.convert"),
    shell:
        "python -m protodune.stages.produce.convert --settings {params.settings:q} --source {params.source:q}"
        " {params.options:q} --output {output:q} --threads {threads} > {log:q} 2>&1"


rule convert:
    """Stage target: the event stores of all samples."""
    input:
        FILES.events(),


rule check_sample:
    """Read every event of one source and report what is wrong."""
    input:
        FILES.local_sources,
    output:
        ensure("results/checks/{sample}.txt", non_empty=True),
    log:
        "results/logs/check_sample/{sample}.log",
    benchmark:
        "results/benchmarks/check_sample/{sample}.tsv"
    resources:
        mem_mb=lambda w, attempt: 2000 * attempt,
        runtime=lambda w, attempt: 60 * attempt,
    params:
        source=SETTINGS.source,
        unnamed=FILES.unnamed_sources,
        options=SETTINGS.check_options,
        code=CODE.of_sample("produce.check"),
    shell:
        "python -m protodune.stages.produce.check --source {params.source:q} {params.options:q} --output {output:q}"
        " > {log:q} 2>&1"


rule check:
    """Stage target: look into every source that is not simulated, before hours are spent."""
    input:
        FILES.checks(),
