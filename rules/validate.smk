"""Scores against the truth and the table of all methods."""


rule score_sample:
    """Compare the predictions of one method with the noise-free waveforms."""
    input:
        events="results/events/{sample}.h5",
        predictions="results/predictions/{task}/{method}/{plane}/{sample}.h5",
    output:
        scores=ensure("results/scores/{task}/{method}/{plane}/{sample}.tsv", non_empty=True),
        curves=ensure("results/curves/{task}/{method}/{plane}/{sample}.tsv", non_empty=True),
    log:
        "results/logs/score_sample/{task}.{method}.{plane}.{sample}.log",
    benchmark:
        "results/benchmarks/score_sample/{task}.{method}.{plane}.{sample}.tsv"
    wildcard_constraints:
        method=one_of(TARGETS.methods + TARGETS.networks),
    resources:
        mem_mb=lambda w, attempt: 2000 * attempt,
        runtime=lambda w, attempt: 30 * attempt,
    params:
        code=code_digest("protodune.stages.measure.score"),
    shell:
        "python -m protodune.stages.measure.score --plane {wildcards.plane} --method {wildcards.method}"
        " --sample {wildcards.sample} --events {input.events} --predictions {input.predictions}"
        " --output {output.scores} --curves {output.curves} > {log} 2>&1"


rule make_table:
    """Average the scores of all methods over the events of all test samples."""
    input:
        TARGETS.table_scores(),
    output:
        tsv=ensure("results/tables/methods.tsv", non_empty=True),
        md=ensure("results/tables/methods.md", non_empty=True),
        tex=ensure("results/tables/methods.tex", non_empty=True),
        html=report("results/tables/methods.html", caption="../workflow/report/table.rst", category="Tables"),
    log:
        "results/logs/make_table/methods.log",
    benchmark:
        "results/benchmarks/make_table/methods.tsv"
    resources:
        mem_mb=lambda w, attempt: 500 * attempt,
        runtime=lambda w, attempt: 10 * attempt,
    params:
        code=code_digest("protodune.stages.measure.table"),
    shell:
        "python -m protodune.stages.measure.table --scores {input} --output {output.tsv} > {log} 2>&1"


rule compare_regions:
    """Curves of the region selectors of one plane family: ROC, efficiency and purity, areas with errors by event."""
    input:
        lambda w: TARGETS.curves(w.plane),
    output:
        areas=ensure("results/tables/roi.{plane}.tsv", non_empty=True),
        png=report("results/figures/roi.{plane}.png", caption="../workflow/report/roi.rst", category="Methods"),
        svg=ensure("results/figures/roi.{plane}.svg", non_empty=True),
        tsv=ensure("results/figures/roi.{plane}.tsv", non_empty=True),
    log:
        "results/logs/compare_regions/{plane}.log",
    benchmark:
        "results/benchmarks/compare_regions/{plane}.tsv"
    resources:
        mem_mb=lambda w, attempt: 1000 * attempt,
        runtime=lambda w, attempt: 10 * attempt,
    params:
        names=lambda w: TARGETS.scored_methods(w.plane),
        networks=TARGETS.networks,
        code=code_digest("protodune.stages.measure.roi_curves"),
    shell:
        "python -m protodune.stages.measure.roi_curves --plane {wildcards.plane} --curves {input} --names {params.names}"
        " --networks {params.networks} --areas {output.areas} --output {output.png} > {log} 2>&1"


rule list_losses:
    """List the events that conversions left out."""
    input:
        TARGETS.events(),
    output:
        tsv=ensure("results/tables/losses.tsv", non_empty=True),
        html=report("results/tables/losses.html", caption="../workflow/report/losses.rst", category="Tables"),
    log:
        "results/logs/list_losses/losses.log",
    benchmark:
        "results/benchmarks/list_losses/losses.tsv"
    resources:
        mem_mb=lambda w, attempt: 500 * attempt,
        runtime=lambda w, attempt: 10 * attempt,
    params:
        code=code_digest("protodune.stages.measure.losses"),
    shell:
        "python -m protodune.stages.measure.losses --events {input} --output {output.tsv} > {log} 2>&1"


rule validate:
    """Stage target: the table of all methods, where a test sample has truth, and what was left out."""
    input:
        TARGETS.tables(),
