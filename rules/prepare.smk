"""Training patches: crops of planes, or their tiles."""


def patch_settings(wildcards):
    """Settings of one patch file, JSON; validation takes tiles of whole planes, so that its loss is a plane's."""
    patch = dict(config["patches"][wildcards.patches])
    val_per_image = patch.pop("val_per_image", 100)
    if SAMPLES[wildcards.sample].split == "train":
        patch.setdefault("mode", "crop")
    else:
        patch.update(mode="tile", per_image=val_per_image)
    return json.dumps({**patch, "seed": config["seed"]}, sort_keys=True)


def patch_files(trial, split):
    """Patch files that a trial reads from the samples of one split."""
    patches = config["models"][trial.model]["patches"]
    return expand(f"results/patches/{patches}/{trial.plane}/{{sample}}.h5", sample=samples_of(split))


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
        mem_mb=2000,
        runtime=30,
    params:
        settings=patch_settings,
        code=code_digest("protodune.stages.prepare"),
    shell:
        "python -m protodune.stages.prepare --settings {params.settings:q} --plane {wildcards.plane}"
        " --events {input} --output {output} > {log} 2>&1"


rule prepare:
    """Stage target: the patches that the trials need."""
    input:
        [patch_files(trial, split) for trial in PLAN.trials for split in ("train", "val")],
