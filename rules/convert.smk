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
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        source=TARGETS.source,
        partner=lambda w: [f"--partner={p}" for p in [TARGETS.samples[w.sample].partner] if p],
        settings=TARGETS.convert_settings,
        code=code_digest("protodune.stages.convert"),
    shell:
        "python -m protodune.stages.convert --settings {params.settings:q} --source {params.source:q}"
        " {params.partner:q} --output {output} > {log} 2>&1"


rule convert:
    """Stage target: the event stores of all samples."""
    input:
        TARGETS.events(),
