"""Training patches: crops of planes, or their tiles."""


rule prepare_patches:
    """Cut the patches of one family of planes out of one sample, with the labels of a step's task."""
    input:
        FILES.inputs,
        events="results/events/{sample}.h5",
    output:
        ensure("results/patches/{step}/{patches}/{features}/{family}/{sample}.h5", non_empty=True),
    log:
        "results/logs/prepare_patches/{step}.{patches}.{features}.{family}.{sample}.log",
    benchmark:
        "results/benchmarks/prepare_patches/{step}.{patches}.{features}.{family}.{sample}.tsv"
    resources:
        mem_mb=lambda w, attempt: 2000 * attempt,
        runtime=lambda w, attempt: 30 * attempt,
    params:
        settings=SETTINGS.patches,
        inputs=SETTINGS.inputs,
        code=CODE.patches,
    shell:
        "python -m protodune.stages.learn.prepare --settings {params.settings:q} --family {wildcards.family:q}"
        " --events {input.events:q} --inputs {params.inputs:q} --output {output:q} > {log:q} 2>&1"


rule prepare:
    """Stage target: the patches that the trials need."""
    input:
        FILES.all_patches(),
