"""Samples of the embedded simulation, written as ROOT files as real data would come."""


rule simulate_sample:
    """Simulate cosmic muons in the APAs of one sample."""
    output:
        ensure("results/raw/{sample}.root", non_empty=True),
    log:
        "results/logs/simulate_sample/{sample}.log",
    benchmark:
        "results/benchmarks/simulate_sample/{sample}.tsv"
    wildcard_constraints:
        sample=one_of(TARGETS.toys()),
    resources:
        mem_mb=lambda w, attempt: 1500 * attempt,
        runtime=lambda w, attempt: 30 * attempt,
    params:
        settings=TARGETS.sample_settings,
        code=code_digest("protodune.stages.produce.simulate"),
    shell:
        "python -m protodune.stages.produce.simulate --settings {params.settings:q} --output {output} > {log} 2>&1"


rule simulate:
    """Stage target: all simulated samples."""
    input:
        expand("results/raw/{sample}.root", sample=TARGETS.toys()),


rule check_simulation:
    """Ten acceptance checks of the embedded simulation."""
    output:
        checks=ensure("results/simulation_report/checks.tsv", non_empty=True),
        points=ensure("results/simulation_report/points.tsv", non_empty=True),
    log:
        "results/logs/check_simulation/checks.log",
    benchmark:
        "results/benchmarks/check_simulation/checks.tsv"
    resources:
        mem_mb=lambda w, attempt: 1500 * attempt,
        runtime=lambda w, attempt: 15 * attempt,
    params:
        code=code_digest("protodune.stages.produce.accept"),
    shell:
        "python -m protodune.stages.produce.accept --checks {output.checks} --points {output.points} > {log} 2>&1"


rule draw_simulation:
    """The acceptance checks as plots on a page."""
    input:
        checks=rules.check_simulation.output.checks,
        points=rules.check_simulation.output.points,
    output:
        png=ensure("results/simulation_report/checks.png", non_empty=True),
        svg=ensure("results/simulation_report/checks.svg", non_empty=True),
        page=ensure("results/simulation_report/index.html", non_empty=True),
    log:
        "results/logs/draw_simulation/checks.log",
    benchmark:
        "results/benchmarks/draw_simulation/checks.tsv"
    resources:
        mem_mb=lambda w, attempt: 500 * attempt,
        runtime=lambda w, attempt: 10 * attempt,
    params:
        code=code_digest("protodune.stages.publish.draw_acceptance"),
    shell:
        "python -m protodune.stages.publish.draw_acceptance --checks {input.checks} --points {input.points}"
        " --figure {output.png} --page {output.page} > {log} 2>&1"


rule simulation_report:
    """Stage target: the page of the simulation's acceptance checks."""
    input:
        rules.draw_simulation.output.page,
