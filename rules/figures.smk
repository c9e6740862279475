"""Figures, each as PNG, SVG and the TSV behind it."""

SHOWN = config["figures"]
DISPLAYED = samples_of("test")


def shown_files(wildcards):
    """Events and predictions that a display compares."""
    folder = "results/predictions/denoise"
    return {
        "events": f"results/events/{wildcards.sample}.h5",
        "network": f"{folder}/{SHOWN['network']}/{wildcards.plane}/{wildcards.sample}.h5",
        "classical": f"{folder}/{SHOWN['classical']}/{wildcards.plane}/{wildcards.sample}.h5",
    }


def histories_of(plane):
    """Histories of the trials of a plane family."""
    return [
        f"results/models/{t.task}/{t.model}/{t.plane}/{t.trial}/history.tsv" for t in PLAN.trials if t.plane == plane
    ]


def figure_files(name, category):
    """The three files of a figure, the picture marked for the report."""
    base = f"results/figures/{name}"
    caption = f"../workflow/report/{name.split('.')[0]}.rst"  # a wildcard in it is filled in by Snakemake
    return {
        "png": report(f"{base}.png", caption=caption, category=category),
        "svg": ensure(f"{base}.svg", non_empty=True),
        "tsv": ensure(f"{base}.tsv", non_empty=True),
    }


def has_shown_network(plane):
    """Whether the network that the figures show was trained for a plane family."""
    return any(t.method == SHOWN["network"] and t.plane == plane for t in PLAN.trials)


rule draw_event:
    """An event display, or single waveforms, of the first image of a test sample."""
    input:
        unpack(shown_files),
    output:
        **figure_files("{figure}.{plane}.{sample}", "Events"),
    log:
        "results/logs/draw_event/{figure}.{plane}.{sample}.log",
    benchmark:
        "results/benchmarks/draw_event/{figure}.{plane}.{sample}.tsv"
    wildcard_constraints:
        figure="display|waveforms",
    resources:
        mem_mb=2000,
        runtime=15,
    params:
        names=f"{SHOWN['network']} {SHOWN['classical']}",
        code=code_digest("protodune.stages.draw"),
    shell:
        "python -m protodune.stages.draw {wildcards.figure} --plane {wildcards.plane} --sample {wildcards.sample}"
        " --events {input.events} --network {input.network} --classical {input.classical} --names {params.names}"
        " --output {output.png} > {log} 2>&1"


rule draw_training:
    """Training curves of the networks of one plane family."""
    input:
        lambda w: histories_of(w.plane),
    output:
        **figure_files("training.{plane}", "Training"),
    log:
        "results/logs/draw_training/{plane}.log",
    benchmark:
        "results/benchmarks/draw_training/{plane}.tsv"
    resources:
        mem_mb=500,
        runtime=10,
    params:
        names=lambda w: [t.method for t in PLAN.trials if t.plane == w.plane],
        code=code_digest("protodune.stages.draw"),
    shell:
        "python -m protodune.stages.draw training --plane {wildcards.plane} --histories {input} --names {params.names}"
        " --output {output.png} > {log} 2>&1"


rule draw_metrics:
    """The table of the methods as a picture."""
    input:
        rules.make_table.output.tsv,
    output:
        **figure_files("metrics", "Methods"),
    log:
        "results/logs/draw_metrics/metrics.log",
    benchmark:
        "results/benchmarks/draw_metrics/metrics.tsv"
    resources:
        mem_mb=500,
        runtime=10,
    params:
        networks=NETWORKS,
        code=code_digest("protodune.stages.draw"),
    shell:
        "python -m protodune.stages.draw metrics --table {input} --networks {params.networks}"
        " --output {output.png} > {log} 2>&1"


rule figures:
    """Stage target: all figures."""
    input:
        [
            f"results/figures/{figure}.{plane}.{sample}.png"
            for plane in PLANES
            if has_shown_network(plane)
            for sample in DISPLAYED
            for figure in (["display", "waveforms"] if SAMPLES[sample].has_clean else ["display"])
        ],
        [f"results/figures/training.{plane}.png" for plane in PLANES if histories_of(plane)],
        rules.draw_metrics.output.png if SCORED else [],
