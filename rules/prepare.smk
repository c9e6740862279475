"""Training patches: crops of planes, or their tiles."""


rule prepare_patches:
    """Cut the patches of one plane family out of one sample."""
    input:
        "results/events/{sample}.h5",
    output:
        ensure("results/patches/{patches}/{plane}/{sample}.h5", non_empty=True),
    log:
        "results/logs/prepare_patches/{patches}.{plane}.{sample}.log",
    benchmark:
        "results/benchmarks/prepare_patches/{patches}.{plane}.{sample}.tsv"
    resources:
        mem_mb=lambda w, attempt: 2000 * attempt,
        runtime=lambda w, attempt: 30 * attempt,
    params:
        settings=TARGETS.patch_settings,
        code=TARGETS.patch_code,
    shell:
        "python -m protodune.stages.learn.prepare --settings {params.settings:q} --plane {wildcards.plane}"
        " --events {input} --output {output} > {log} 2>&1"


rule prepare:
    """Stage target: the patches that the trials need."""
    input:
        TARGETS.all_patches(),
