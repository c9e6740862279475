"""Figures, each as PNG, SVG and the TSV behind it."""


rule draw_event:
    """An event display, a zoom, or single waveforms, of the first image of a test sample."""
    input:
        unpack(FILES.shown),
    output:
        png=report(
            "results/figures/{figure}.{family}.{sample}.png",
            caption="../workflow/report/event.rst",
            category="Events",
            labels={"figure": "{figure}", "planes": "{family}", "sample": "{sample}"},
        ),
        svg=ensure("results/figures/{figure}.{family}.{sample}.svg", non_empty=True),
        tsv=ensure("results/figures/{figure}.{family}.{sample}.tsv", non_empty=True),
    log:
        "results/logs/draw_event/{figure}.{family}.{sample}.log",
    benchmark:
        "results/benchmarks/draw_event/{figure}.{family}.{sample}.tsv"
    wildcard_constraints:
        figure="display|zoom|waveforms",
    resources:
        mem_mb=lambda w, attempt: 2000 * attempt,
        runtime=lambda w, attempt: 15 * attempt,
    params:
        names=[config["figures"]["network"], config["figures"]["classical"]],
        code=CODE.event_figure(),
    shell:
        "python -m protodune.stages.publish.draw_event {wildcards.figure:q} --family {wildcards.family:q}"
        " --sample {wildcards.sample:q} --events {input.events:q} --network {input.network:q}"
        " --classical {input.classical:q} --names {params.names:q} --output {output.png:q} > {log:q} 2>&1"


rule draw_crops:
    """Where the patches of a training sample come from."""
    input:
        events="results/events/{sample}.h5",
        patches="results/patches/{step}/{patches}/{features}/{family}/{sample}.h5",
    output:
        png=report(
            "results/figures/crops.{step}.{patches}.{features}.{family}.{sample}.png",
            caption="../workflow/report/crops.rst",
            category="Training",
            labels={"figure": "crops {patches}", "planes": "{family}", "sample": "{sample}"},
        ),
        svg=ensure("results/figures/crops.{step}.{patches}.{features}.{family}.{sample}.svg", non_empty=True),
        tsv=ensure("results/figures/crops.{step}.{patches}.{features}.{family}.{sample}.tsv", non_empty=True),
    log:
        "results/logs/draw_crops/{step}.{patches}.{features}.{family}.{sample}.log",
    benchmark:
        "results/benchmarks/draw_crops/{step}.{patches}.{features}.{family}.{sample}.tsv"
    resources:
        mem_mb=lambda w, attempt: 1500 * attempt,
        runtime=lambda w, attempt: 10 * attempt,
    params:
        code=CODE.event_figure("crops"),
    shell:
        "python -m protodune.stages.publish.draw_event crops --family {wildcards.family:q} --sample {wildcards.sample:q}"
        " --events {input.events:q} --patches {input.patches:q} --output {output.png:q} > {log:q} 2>&1"


rule draw_figure:
    """One figure, found by its name, from its tables alone."""
    input:
        FIGURES.tables,
    output:
        png=report(
            "results/figures/{figure}.{subject}.png",
            caption="../workflow/report/figure.rst",
            category="Figures",
            labels={"figure": "{figure}", "of": "{subject}"},
        ),
        svg=ensure("results/figures/{figure}.{subject}.svg", non_empty=True),
        tsv=ensure("results/figures/{figure}.{subject}.tsv", non_empty=True),
    log:
        "results/logs/draw_figure/{figure}.{subject}.log",
    benchmark:
        "results/benchmarks/draw_figure/{figure}.{subject}.tsv"
    wildcard_constraints:
        figure=one_of(FIGURES.kinds),
        subject=one_of(FIGURES.all_subjects()),
    resources:
        mem_mb=lambda w, attempt: 500 * attempt,
        runtime=lambda w, attempt: 10 * attempt,
    params:
        about=FIGURES.about,
        names=FIGURES.titles,
        methods=config["figures"]["compared"],
        networks=OF.networks,
        caption=lambda w: figure_spec(w.figure)["caption"],
        code=CODE.figure,
    shell:
        "python -m protodune.stages.publish.draw_figure {wildcards.figure:q} --tables {input:q} --of={params.about:q}"
        " --names {params.names:q} --methods {params.methods:q} --networks {params.networks:q} --output {output.png:q}"
        " > {log:q} 2>&1"


rule gather_search:
    """The search trials as one table, the best first."""
    input:
        FILES.search_trials(),
    output:
        report("results/tables/search.tsv", caption="../workflow/report/search.rst", category="Training"),
    log:
        "results/logs/gather_search/search.log",
    benchmark:
        "results/benchmarks/gather_search/search.tsv"
    resources:
        mem_mb=lambda w, attempt: 500 * attempt,
        runtime=lambda w, attempt: 10 * attempt,
    params:
        code=code_digest(stage("measure.gather_search")),
    shell:
        "python -m protodune.stages.measure.gather_search --trials {input:q} --output {output:q} > {log:q} 2>&1"


rule figures:
    """Stage target: the figures of every run."""
    input:
        CAMPAIGN.each(png(FIGURES.of_every_run())),
