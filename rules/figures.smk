"""Figures, each as PNG, SVG and the TSV behind it."""


rule draw_event:
    """An event display, a zoom, or single waveforms, of the first image of a test sample."""
    input:
        unpack(TARGETS.shown),
    output:
        png=report(
            "results/figures/{figure}.{plane}.{sample}.png",
            caption="../workflow/report/event.rst",
            category="Events",
        ),
        svg=ensure("results/figures/{figure}.{plane}.{sample}.svg", non_empty=True),
        tsv=ensure("results/figures/{figure}.{plane}.{sample}.tsv", non_empty=True),
    log:
        "results/logs/draw_event/{figure}.{plane}.{sample}.log",
    benchmark:
        "results/benchmarks/draw_event/{figure}.{plane}.{sample}.tsv"
    wildcard_constraints:
        figure="display|zoom|waveforms",
    resources:
        mem_mb=lambda w, attempt: 2000 * attempt,
        runtime=lambda w, attempt: 15 * attempt,
    params:
        names=[config["figures"]["network"], config["figures"]["classical"]],
        code=code_digest("protodune.stages.publish.draw_event"),
    shell:
        "python -m protodune.stages.publish.draw_event {wildcards.figure} --plane {wildcards.plane} --sample {wildcards.sample}"
        " --events {input.events} --network {input.network} --classical {input.classical} --names {params.names}"
        " --output {output.png} > {log} 2>&1"


rule draw_crops:
    """Where the patches of a training sample come from."""
    input:
        events="results/events/{sample}.h5",
        patches="results/patches/{patches}/{plane}/{sample}.h5",
    output:
        png=report(
            "results/figures/crops.{patches}.{plane}.{sample}.png",
            caption="../workflow/report/crops.rst",
            category="Training",
        ),
        svg=ensure("results/figures/crops.{patches}.{plane}.{sample}.svg", non_empty=True),
        tsv=ensure("results/figures/crops.{patches}.{plane}.{sample}.tsv", non_empty=True),
    log:
        "results/logs/draw_crops/{patches}.{plane}.{sample}.log",
    benchmark:
        "results/benchmarks/draw_crops/{patches}.{plane}.{sample}.tsv"
    resources:
        mem_mb=lambda w, attempt: 1500 * attempt,
        runtime=lambda w, attempt: 10 * attempt,
    params:
        code=code_digest("protodune.stages.publish.draw_event"),
    shell:
        "python -m protodune.stages.publish.draw_event crops --plane {wildcards.plane} --sample {wildcards.sample}"
        " --events {input.events} --patches {input.patches} --output {output.png} > {log} 2>&1"


rule draw_training:
    """Training curves of the networks of one plane family."""
    input:
        lambda w: TARGETS.histories(w.plane),
    output:
        png=report(
            "results/figures/training.{plane}.png", caption="../workflow/report/training.rst", category="Training"
        ),
        svg=ensure("results/figures/training.{plane}.svg", non_empty=True),
        tsv=ensure("results/figures/training.{plane}.tsv", non_empty=True),
    log:
        "results/logs/draw_training/{plane}.log",
    benchmark:
        "results/benchmarks/draw_training/{plane}.tsv"
    resources:
        mem_mb=lambda w, attempt: 500 * attempt,
        runtime=lambda w, attempt: 10 * attempt,
    params:
        names=lambda w: TARGETS.trained_of(w.plane),
        code=code_digest("protodune.stages.publish.draw"),
    shell:
        "python -m protodune.stages.publish.draw training --plane {wildcards.plane} --histories {input} --names {params.names}"
        " --output {output.png} > {log} 2>&1"


rule draw_metrics:
    """The table of the methods as a picture."""
    input:
        rules.make_table.output.tsv,
    output:
        png=report("results/figures/metrics.png", caption="../workflow/report/metrics.rst", category="Methods"),
        svg=ensure("results/figures/metrics.svg", non_empty=True),
        tsv=ensure("results/figures/metrics.tsv", non_empty=True),
    log:
        "results/logs/draw_metrics/metrics.log",
    benchmark:
        "results/benchmarks/draw_metrics/metrics.tsv"
    resources:
        mem_mb=lambda w, attempt: 500 * attempt,
        runtime=lambda w, attempt: 10 * attempt,
    params:
        networks=TARGETS.networks,
        code=code_digest("protodune.stages.publish.draw"),
    shell:
        "python -m protodune.stages.publish.draw metrics --table {input} --networks {params.networks}"
        " --output {output.png} > {log} 2>&1"


rule figures:
    """Stage target: all figures."""
    input:
        TARGETS.figures(),
