"""The search for settings: every trial is a job; they know of each other through one file."""


rule scan_trial:
    """Train with settings that the study suggests, and tell it the result."""
    input:
        train=TARGETS.scan_patches("train"),
        val=TARGETS.scan_patches("val"),
    output:
        "results/scan/{number}.tsv",
    log:
        "results/logs/scan_trial/{number}.log",
    benchmark:
        "results/benchmarks/scan_trial/{number}.tsv"
    wildcard_constraints:
        number=r"\d+",
    threads: 2
    resources:
        launcher="",
        train_options="",
        mem_mb=lambda w, attempt: 3000 * attempt,
        runtime=lambda w, attempt: 240 * attempt,
    params:
        settings=TARGETS.scan_settings,
        # No outputs: all trials share the study, and both must survive a failed job, which deletes its outputs.
        study="results/checkpoints/scan/study.log",
        checkpoints=lambda w: f"results/checkpoints/scan/{w.number}",
        code=code_digest("protodune.stages.learn.scan_trial"),
    shell:
        "{resources.launcher} python -m protodune.stages.learn.scan_trial --settings {params.settings:q}"
        " --number {wildcards.number} --study {params.study} --train {input.train} --val {input.val}"
        " --output {output} --checkpoints {params.checkpoints} --code {params.code} --threads {threads}"
        " {resources.train_options} > {log} 2>&1"


rule draw_scan:
    """The trials as a table and a figure."""
    input:
        TARGETS.scan_trials(),
    output:
        table=report("results/tables/scan.tsv", caption="../workflow/report/scan.rst", category="Training"),
        png=report("results/figures/scan.png", caption="../workflow/report/scan.rst", category="Training"),
        svg=ensure("results/figures/scan.svg", non_empty=True),
    log:
        "results/logs/draw_scan/scan.log",
    benchmark:
        "results/benchmarks/draw_scan/scan.tsv"
    resources:
        mem_mb=lambda w, attempt: 500 * attempt,
        runtime=lambda w, attempt: 10 * attempt,
    params:
        code=code_digest("protodune.stages.publish.draw"),
    shell:
        "python -m protodune.stages.publish.draw scan --trials {input} --table {output.table} --output {output.png} > {log} 2>&1"


rule scan:
    """Stage target: the search for settings."""
    input:
        "results/figures/scan.png",
