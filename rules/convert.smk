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
    threads: 2
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        source=TARGETS.source,
        options=TARGETS.convert_options,
        settings=TARGETS.convert_settings,
        code=code_digest("protodune.stages.convert"),
    shell:
        "python -m protodune.stages.convert --settings {params.settings:q} --source {params.source:q}"
        " {params.options:q} --output {output} --threads {threads} > {log} 2>&1"


rule convert:
    """Stage target: the event stores of all samples."""
    input:
        TARGETS.events(),
