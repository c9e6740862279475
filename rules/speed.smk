"""How fast networks clean planes, on the machine of the profile."""


rule measure_speed:
    """Seconds a plane and memory of one network, by pixels at a time, precision and runtime."""
    input:
        TARGETS.network_weights,
    output:
        ensure("results/speed/{task}/{model}.{trial}/{plane}.tsv", non_empty=True),
    log:
        "results/logs/measure_speed/{task}.{model}.{trial}.{plane}.log",
    benchmark:
        "results/benchmarks/measure_speed/{task}.{model}.{trial}.{plane}.tsv"
    # All of a machine, so that nothing runs beside it: Snakemake takes no more than there are.
    threads: 64
    resources:
        mem_mb=lambda w, attempt: 6000 * attempt,
        runtime=lambda w, attempt: 60 * attempt,
    params:
        ticks=lambda w: config["simulation"].get("ticks", 6000),
        repeats=config["speed"].get("repeats", 3),
        code=code_digest("protodune.stages.learn.measure_speed", "protodune.stages.learn.time_forward"),
    shell:
        "python -m protodune.stages.learn.measure_speed --network {wildcards.model}.{wildcards.trial} --weights {input}"
        " --plane {wildcards.plane} --ticks {params.ticks} --repeats {params.repeats} --threads {threads}"
        " --output {output} > {log} 2>&1"


rule draw_speed:
    """Seconds a plane and memory over the pixels at a time, and the runtimes side by side."""
    input:
        TARGETS.speed_tables(),
    output:
        png=report("results/figures/speed.png", caption="../workflow/report/speed.rst", category="Inference"),
        svg=ensure("results/figures/speed.svg", non_empty=True),
        tsv=ensure("results/figures/speed.tsv", non_empty=True),
    log:
        "results/logs/draw_speed/speed.log",
    benchmark:
        "results/benchmarks/draw_speed/speed.tsv"
    resources:
        mem_mb=lambda w, attempt: 500 * attempt,
        runtime=lambda w, attempt: 10 * attempt,
    params:
        code=code_digest("protodune.stages.publish.draw"),
    shell:
        "python -m protodune.stages.publish.draw speed --tables {input} --output {output.png} > {log} 2>&1"


rule speed:
    """Stage target: how fast networks clean planes."""
    input:
        "results/figures/speed.png",
