"""Training, data parallel where the profile names a launcher."""


rule train_model:
    """Fit one network on the patches of one plane family; the launcher starts the ranks."""
    input:
        train=TARGETS.train_patches,
        val=TARGETS.val_patches,
    output:
        weights=ensure("results/models/{task}/{model}/{plane}/{trial}/weights.safetensors", non_empty=True),
        history="results/models/{task}/{model}/{plane}/{trial}/history.tsv",
        settings="results/models/{task}/{model}/{plane}/{trial}/settings.json",
    log:
        "results/logs/train_model/{task}.{model}.{plane}.{trial}.log",
    benchmark:
        "results/benchmarks/train_model/{task}.{model}.{plane}.{trial}.tsv"
    threads: 2
    resources:
        launcher="",
        train_options="",
        mem_mb=lambda w, attempt: 3000 * attempt,
        runtime=lambda w, attempt: 240 * attempt,
    params:
        settings=TARGETS.trial_settings,
        folder=subpath(output.weights, parent=True),
        # No output: it must survive a failed job, which deletes its outputs.
        checkpoints=lambda w: f"results/checkpoints/{w.task}/{w.model}/{w.plane}/{w.trial}",
        code=code_digest("protodune.stages.learn.train"),
    shell:
        "{resources.launcher} python -m protodune.stages.learn.train --settings {params.settings:q} --train {input.train}"
        " --val {input.val} --output {params.folder} --checkpoints {params.checkpoints} --code {params.code}"
        " --threads {threads} {resources.train_options} > {log} 2>&1"


rule train:
    """Stage target: all trials."""
    input:
        TARGETS.weights(),
