"""The search for settings: every search trial is a job; all share one study, which is a file."""


rule search_trial:
    """Train with settings that the study suggests, and tell it the result."""
    input:
        train=FILES.search_patches("train"),
        val=FILES.search_patches("val"),
    output:
        "results/search/{number}.tsv",
    log:
        "results/logs/search_trial/{number}.log",
    benchmark:
        "results/benchmarks/search_trial/{number}.tsv"
    wildcard_constraints:
        number=r"\d+",
    threads: 2
    resources:
        launcher="",
        train_options="",
        mem_mb=lambda w, attempt: 3000 * attempt,
        runtime=lambda w, attempt: 240 * attempt,
    params:
        settings=SETTINGS.search,
        # Not outputs: all search trials share the study, and Snakemake deletes the outputs of a failed job.
        study="results/checkpoints/search/study.log",
        checkpoints=lambda w: f"results/checkpoints/search/{w.number}",
        code=CODE.search,
    shell:
        "{resources.launcher} python -m protodune.stages.learn.search_trial --settings {params.settings:q}"
        " --number {wildcards.number:q} --study {params.study:q} --train {input.train:q} --val {input.val:q}"
        " --output {output:q} --checkpoints {params.checkpoints:q} --code {params.code:q} --threads {threads}"
        " {resources.train_options} > {log:q} 2>&1"


rule search:
    """Stage target: the search for settings."""
    input:
        "results/figures/search.all.png",
