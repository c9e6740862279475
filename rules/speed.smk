"""How fast networks clean planes, on the machine of the profile."""


rule measure_speed:
    """Seconds per plane and memory of one network, by pixels at a time, precision and runtime."""
    input:
        FILES.network_weights,
    output:
        ensure("results/speed/{step}/{model}.{trial}/{family}.tsv", non_empty=True),
    log:
        "results/logs/measure_speed/{step}.{model}.{trial}.{family}.log",
    benchmark:
        "results/benchmarks/measure_speed/{step}.{model}.{trial}.{family}.tsv"
    # All CPUs of a machine, so that nothing runs beside it; Snakemake lowers the number to those that there are.
    threads: 64
    resources:
        mem_mb=lambda w, attempt: 6000 * attempt,
        runtime=lambda w, attempt: 60 * attempt,
    params:
        options=SETTINGS.plane_options,
        repeats=config["speed"]["repeats"],
        code=CODE.of_network("learn.measure_speed", "learn.time_forward"),
    shell:
        "python -m protodune.stages.learn.measure_speed --network {wildcards.model:q}.{wildcards.trial:q}"
        " --weights {input:q} --family {wildcards.family:q} {params.options:q} --repeats {params.repeats:q}"
        " --threads {threads} --output {output:q} > {log:q} 2>&1"


rule speed:
    """Stage target: how fast networks clean planes."""
    input:
        "results/figures/speed.all.png",
