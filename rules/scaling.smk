"""How trainings scale with the number of ranks, on the machine or queue of the profile."""


rule measure_scaling:
    """Strong and weak scaling of one training; it starts its own ranks, of which the profile says how many fit."""
    input:
        TARGETS.train_patches,
    output:
        "results/scaling/{task}/{model}/{plane}/{trial}.tsv",
    log:
        "results/logs/measure_scaling/{task}.{model}.{plane}.{trial}.log",
    benchmark:
        "results/benchmarks/measure_scaling/{task}.{model}.{plane}.{trial}.tsv"
    # All of a machine, so that nothing runs beside it: Snakemake takes no more than there are.
    threads: 64
    resources:
        offered=1,
        launcher_options="",
        mem_mb=lambda w, attempt: 3000 * attempt,
        runtime=lambda w, attempt: 120 * attempt,
    params:
        settings=TARGETS.trial_settings,
        options=TARGETS.scaling_options,
        code=code_digest("protodune.stages.learn.measure_scaling", "protodune.stages.learn.time_steps"),
    shell:
        "python -m protodune.stages.learn.measure_scaling --settings {params.settings:q} --train {input} {params.options}"
        " --offered {resources.offered} --launcher-options={resources.launcher_options:q} --output {output}"
        " > {log} 2>&1"


rule draw_scaling:
    """Speed-up, efficiency, images a second and where the time goes."""
    input:
        TARGETS.scaling_tables(),
    output:
        png=report("results/figures/scaling.png", caption="../workflow/report/scaling.rst", category="Training"),
        svg=ensure("results/figures/scaling.svg", non_empty=True),
        tsv=ensure("results/figures/scaling.tsv", non_empty=True),
    log:
        "results/logs/draw_scaling/scaling.log",
    benchmark:
        "results/benchmarks/draw_scaling/scaling.tsv"
    resources:
        mem_mb=lambda w, attempt: 500 * attempt,
        runtime=lambda w, attempt: 10 * attempt,
    params:
        code=code_digest("protodune.stages.publish.draw"),
    shell:
        "python -m protodune.stages.publish.draw scaling --tables {input} --output {output.png} > {log} 2>&1"


rule scaling:
    """Stage target: the scaling study."""
    input:
        "results/figures/scaling.png",
