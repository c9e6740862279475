"""The paper: every figure and table in one document, with captions and provenance."""

from pathlib import Path


rule make_headline:
    """The headline table: metrics, areas, seconds and parameters of every method."""
    input:
        PAPER.headline_inputs(),
        table=rules.make_table.output.tsv,
        areas=expand("results/tables/areas.{family}.tsv", family=FAMILIES),
    output:
        tsv=ensure("results/tables/headline.tsv", non_empty=True),
        md=ensure("results/tables/headline.md", non_empty=True),
        tex=ensure("results/tables/headline.tex", non_empty=True),
        html=report("results/tables/headline.html", caption="../workflow/report/headline.rst", category="Tables"),
        timing=ensure("results/tables/timing.tsv", non_empty=True),
    log:
        "results/logs/make_headline/headline.log",
    benchmark:
        "results/benchmarks/make_headline/headline.tsv"
    resources:
        mem_mb=lambda w, attempt: 500 * attempt,
        runtime=lambda w, attempt: 10 * attempt,
    params:
        runs=lambda w: as_json(PAPER.inference_runs()),
        weights=lambda w: as_json(PAPER.networks()),
        code=CODE.table("measure.headline"),
    shell:
        "python -m protodune.stages.measure.headline --table {input.table:q} --areas {input.areas:q} --runs {params.runs:q}"
        " --weights {params.weights:q} --output {output.tsv:q} --timing {output.timing:q} > {log:q} 2>&1"


rule make_reproduction:
    """DUNEdn's own metrics of every method, before and after its cut."""
    input:
        expand("results/tables/details.{family}.tsv", family=FAMILIES),
    output:
        tsv=ensure("results/tables/reproduction.tsv", non_empty=True),
        md=ensure("results/tables/reproduction.md", non_empty=True),
        tex=ensure("results/tables/reproduction.tex", non_empty=True),
        html=report(
            "results/tables/reproduction.html", caption="../workflow/report/reproduction.rst", category="Tables"
        ),
    log:
        "results/logs/make_reproduction/reproduction.log",
    benchmark:
        "results/benchmarks/make_reproduction/reproduction.tsv"
    resources:
        mem_mb=lambda w, attempt: 500 * attempt,
        runtime=lambda w, attempt: 10 * attempt,
    params:
        code=CODE.table("measure.reproduction"),
    shell:
        "python -m protodune.stages.measure.reproduction --tables {input:q} --output {output.tsv:q} > {log:q} 2>&1"


rule write_paper:
    """The document of all figures and tables."""
    input:
        PAPER.inputs(),
    output:
        md=ensure("results/paper/paper.md", non_empty=True),
        tex=ensure("results/paper/paper.tex", non_empty=True),
    log:
        "results/logs/write_paper/paper.log",
    benchmark:
        "results/benchmarks/write_paper/paper.tsv"
    resources:
        mem_mb=lambda w, attempt: 500 * attempt,
        runtime=lambda w, attempt: 10 * attempt,
    params:
        listed=lambda w: as_json(PAPER.items()),
        about=lambda w: PAPER.about(),
        code=CODE.captions("publish.write_paper"),
    shell:
        "python -m protodune.stages.publish.write_paper --items {params.listed:q} --about {params.about:q} --results results"
        " --output {output.md:q} > {log:q} 2>&1"


rule draw_rulegraph:
    """The graph of the rules, as Snakemake prints it, and the settings of this run, defaults included."""
    output:
        dot=ensure("results/page/rulegraph.dot", non_empty=True),
        config=ensure("results/page/config.json", non_empty=True),
    log:
        "results/logs/draw_rulegraph/rulegraph.log",
    benchmark:
        "results/benchmarks/draw_rulegraph/rulegraph.tsv"
    localrule: True
    resources:
        mem_mb=lambda w, attempt: 500 * attempt,
        runtime=lambda w, attempt: 10 * attempt,
    params:
        snakefile=lambda w: str(Path(BASE) / "Snakefile"),
        config=lambda w: SETTINGS.whole(),
    shell:
        "(printf '%s\\n' {params.config:q} > {output.config:q} && snakemake paper --snakefile {params.snakefile:q}"
        " --configfile {output.config:q} --cores 1 --nolock --forceall --rulegraph dot > {output.dot:q}) 2> {log:q}"


rule make_page:
    """The interactive page: events to browse, sortable tables, figures, the workflow, provenance."""
    input:
        PAPER.page_inputs(),
        rulegraph=rules.draw_rulegraph.output.dot,
        config=rules.draw_rulegraph.output.config,
    output:
        report("results/report/index.html", caption="../workflow/report/page.rst", category="Page"),
    log:
        "results/logs/make_page/page.log",
    benchmark:
        "results/benchmarks/make_page/page.tsv"
    resources:
        mem_mb=lambda w, attempt: 2000 * attempt,
        runtime=lambda w, attempt: 15 * attempt,
    params:
        samples=lambda w: as_json(PAPER.page_samples()),
        tables=lambda w: as_json(PAPER.page_tables()),
        figures=lambda w: as_json(PAPER.page_figures()),
        about=lambda w: PAPER.about(),
        megabytes=config["figures"]["page_megabytes"],
        script=file_digest("workflow/protodune/publish/page/browser.js"),
        code=CODE.captions("publish.make_page"),
    shell:
        "python -m protodune.stages.publish.make_page --samples {params.samples:q} --tables {params.tables:q}"
        " --figures {params.figures:q} --about {params.about:q} --results results --rulegraph {input.rulegraph:q}"
        " --config {input.config:q} --megabytes {params.megabytes:q} --output {output:q} > {log:q} 2>&1"


rule page:
    """Stage target: the interactive page."""
    input:
        CAMPAIGN.each(["results/report/index.html"]),


rule write_manifest:
    """Every product with its checksum, settings, seeds, versions and sources."""
    input:
        "results/paper/paper.md",
        "results/report/index.html",
        config=rules.draw_rulegraph.output.config,
    output:
        ensure("results/manifest.json", non_empty=True),
    log:
        "results/logs/write_manifest/manifest.log",
    benchmark:
        "results/benchmarks/write_manifest/manifest.tsv"
    resources:
        mem_mb=lambda w, attempt: 500 * attempt,
        runtime=lambda w, attempt: 30 * attempt,
    params:
        about=lambda w: PAPER.about(),
        code=code_digest(stage("publish.manifest")),
    shell:
        "python -m protodune.stages.publish.manifest write --results results --config {input.config:q}"
        " --about {params.about:q} --manifest {output:q} > {log:q} 2>&1"


rule verify:
    """Hash all products again and compare them with the manifest; nothing is made."""
    log:
        "results/logs/verify/verify.log",
    localrule: True
    shell:
        "python -m protodune.stages.publish.manifest verify --results results --manifest results/manifest.json"
        " 2>&1 | tee {log:q}"


rule paper:
    """Stage target: every figure and table of the paper, the document that holds them, the page, the manifest."""
    input:
        CAMPAIGN.each(["results/paper/paper.md"]),
        "results/report/index.html",
        "results/manifest.json",
