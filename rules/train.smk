"""Training, data parallel where the profile names a launcher."""


rule train_model:
    """Fit one network on the patches of one family of planes; the launcher starts the ranks."""
    input:
        train=FILES.train_patches,
        val=FILES.val_patches,
    output:
        weights=ensure("results/models/{step}/{model}/{family}/{trial}/weights.safetensors", non_empty=True),
        history="results/models/{step}/{model}/{family}/{trial}/history.tsv",
        settings="results/models/{step}/{model}/{family}/{trial}/settings.json",
    log:
        "results/logs/train_model/{step}.{model}.{family}.{trial}.log",
    benchmark:
        "results/benchmarks/train_model/{step}.{model}.{family}.{trial}.tsv"
    threads: 2
    resources:
        launcher="",
        train_options="",
        mem_mb=lambda w, attempt: 3000 * attempt,
        runtime=lambda w, attempt: 240 * attempt,
    params:
        settings=SETTINGS.training,
        folder=subpath(output.weights, parent=True),
        # Not an output: Snakemake deletes the outputs of a failed job, and checkpoints must stay.
        checkpoints=lambda w: f"results/checkpoints/{w.step}/{w.model}/{w.family}/{w.trial}",
        code=CODE.training,
    shell:
        "{resources.launcher} python -m protodune.stages.learn.train --settings {params.settings:q} --train {input.train:q}"
        " --val {input.val:q} --output {params.folder:q} --checkpoints {params.checkpoints:q} --code {params.code:q}"
        " --threads {threads} {resources.train_options} > {log:q} 2>&1"


rule train:
    """Stage target: all trials."""
    input:
        FILES.weights(),
