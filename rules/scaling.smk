"""How trainings scale with the number of ranks, on the machine or queue of the profile."""


rule measure_scaling:
    """Strong and weak scaling of one training; it starts its own ranks, of which the profile says how many fit."""
    input:
        FILES.train_patches,
    output:
        "results/scaling/{step}/{model}/{family}/{trial}.tsv",
    log:
        "results/logs/measure_scaling/{step}.{model}.{family}.{trial}.log",
    benchmark:
        "results/benchmarks/measure_scaling/{step}.{model}.{family}.{trial}.tsv"
    # All CPUs of a machine, so that nothing runs beside it; Snakemake lowers the number to those that there are.
    threads: 64
    resources:
        offered=1,
        launcher_options="",
        mem_mb=lambda w, attempt: 3000 * attempt,
        runtime=lambda w, attempt: 120 * attempt,
    params:
        settings=SETTINGS.training,
        options=SETTINGS.scaling_options,
        code=CODE.scaling,
    shell:
        "python -m protodune.stages.learn.measure_scaling --settings {params.settings:q}"
        " --train {input:q} {params.options:q} --offered {resources.offered}"
        " --launcher-options={resources.launcher_options:q} --output {output:q} > {log:q} 2>&1"


rule scaling:
    """Stage target: the scaling study."""
    input:
        "results/figures/scaling.all.png",
