"""ROOT files to event stores."""


rule convert_sample:
    """Convert one ROOT file, one event at a time."""
    input:
        TARGETS.local_sources,
    output:
        ensure("results/events/{sample}.h5", non_empty=True),
    log:
        "results/logs/convert_sample/{sample}.log",
    benchmark:
        "results/benchmarks/convert_sample/{sample}.tsv"
    wildcard_constraints:
        sample=one_of(TARGETS.converted()),
    threads: 2
    resources:
        mem_mb=lambda w, attempt: 2000 * attempt,
        runtime=lambda w, attempt: 60 * attempt,
    params:
        source=TARGETS.source,
        options=TARGETS.convert_options,
        settings=TARGETS.convert_settings,
        code=code_digest("protodune.stages.produce.convert"),
    shell:
        "python -m protodune.stages.produce.convert --settings {params.settings:q} --source {params.source:q}"
        " {params.options:q} --output {output} --threads {threads} > {log} 2>&1"


rule convert:
    """Stage target: the event stores of all samples."""
    input:
        TARGETS.events(),


rule check_sample:
    """Read every event of one source and report what is wrong."""
    input:
        TARGETS.local_sources,
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
        source=TARGETS.source,
        tag=lambda w: [f"--tag={tag}" for tag in [TARGETS.samples[w.sample].tag] if tag],
        code=code_digest("protodune.stages.produce.check"),
    shell:
        "python -m protodune.stages.produce.check --source {params.source:q} {params.tag:q} --output {output} > {log} 2>&1"


rule check:
    """Stage target: look into every source that is not simulated, before hours are spent."""
    input:
        TARGETS.checks(),
