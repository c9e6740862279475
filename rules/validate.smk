"""Measurements against the truth and the table of all methods."""


rule measure_sample:
    """Measure the products of one method against the truth: the scores of every run, or the details of the paper."""
    input:
        events="results/events/{sample}.h5",
        products="results/products/{step}/{method}/{family}/{sample}.h5",
    output:
        ensure("results/measurements/{level}/{step}/{method}/{family}/{sample}.tsv", non_empty=True),
    log:
        "results/logs/measure_sample/{level}.{step}.{method}.{family}.{sample}.log",
    benchmark:
        "results/benchmarks/measure_sample/{level}.{step}.{method}.{family}.{sample}.tsv"
    resources:
        mem_mb=lambda w, attempt: 2000 * attempt,
        runtime=lambda w, attempt: 30 * attempt,
    params:
        task=SETTINGS.task,
        code=CODE.measurements,
    shell:
        "python -m protodune.stages.measure.measure --level {wildcards.level:q} --task {params.task:q}"
        " --step {wildcards.step:q} --method {wildcards.method:q} --family {wildcards.family:q}"
        " --sample {wildcards.sample:q} --events {input.events:q} --products {input.products:q} --output {output:q}"
        " > {log:q} 2>&1"


rule make_table:
    """Average the scores of all methods over the events of all test samples."""
    input:
        FILES.table_scores(),
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
        mixed=MIXED,
        code=CODE.table("measure.table"),
    shell:
        "python -m protodune.stages.measure.table --scores {input:q} {params.mixed:q} --output {output.tsv:q} > {log:q} 2>&1"


rule average_curves:
    """Curves of the region selectors of one family: ROC, efficiency and purity, areas with errors by event."""
    input:
        lambda w: FILES.measured("scores", OF.compared(), w.family),
    output:
        points=ensure("results/tables/curves.{family}.tsv", non_empty=True),
        areas=ensure("results/tables/areas.{family}.tsv", non_empty=True),
    log:
        "results/logs/average_curves/{family}.log",
    benchmark:
        "results/benchmarks/average_curves/{family}.tsv"
    resources:
        mem_mb=lambda w, attempt: 1000 * attempt,
        runtime=lambda w, attempt: 10 * attempt,
    params:
        mixed=MIXED,
        code=code_digest(stage("measure.curves")),
    shell:
        "python -m protodune.stages.measure.curves --measurements {input:q} {params.mixed:q} --points {output.points:q}"
        " --areas {output.areas:q} > {log:q} 2>&1"


rule list_lost_events:
    """List the events that conversions left out."""
    input:
        FILES.events(),
    output:
        tsv=ensure("results/tables/lost_events.tsv", non_empty=True),
        html=report("results/tables/lost_events.html", caption="../workflow/report/lost_events.rst", category="Tables"),
    log:
        "results/logs/list_lost_events/lost_events.log",
    benchmark:
        "results/benchmarks/list_lost_events/lost_events.tsv"
    resources:
        mem_mb=lambda w, attempt: 500 * attempt,
        runtime=lambda w, attempt: 10 * attempt,
    params:
        code=code_digest(stage("measure.lost_events")),
    shell:
        "python -m protodune.stages.measure.lost_events --events {input:q} --output {output.tsv:q} > {log:q} 2>&1"


rule validate:
    """Stage target: the table of all methods, where a test sample has truth, and what was left out."""
    input:
        FILES.tables(),
