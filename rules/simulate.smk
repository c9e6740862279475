"""Samples of the embedded simulation, written as ROOT files as real data would come."""


rule simulate_sample:
    """Simulate the events of one sample."""
    output:
        ensure("results/raw/{sample}.root", non_empty=True),
    log:
        "results/logs/simulate_sample/{sample}.log",
    benchmark:
        "results/benchmarks/simulate_sample/{sample}.tsv"
    wildcard_constraints:
        sample=one_of(OF.simulated()),
    resources:
        mem_mb=lambda w, attempt: 1500 * attempt,
        runtime=lambda w, attempt: 30 * attempt,
    params:
        settings=SETTINGS.sample,
        code=CODE.of_sample("produce.simulate"),
    shell:
        "python -m protodune.stages.produce.simulate --settings {params.settings:q} --output {output:q} > {log:q} 2>&1"


rule simulate:
    """Stage target: all simulated samples."""
    input:
        expand("results/raw/{sample}.root", sample=OF.simulated()),


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
        code=code_digest(stage("produce.accept")),
    shell:
        "python -m protodune.stages.produce.accept --checks {output.checks:q} --points {output.points:q} > {log:q} 2>&1"


rule write_simulation_page:
    """The acceptance checks as a page: the figure and a table."""
    input:
        checks=rules.check_simulation.output.checks,
        picture="results/figures/simulation.all.png",
    output:
        ensure("results/simulation_report/index.html", non_empty=True),
    log:
        "results/logs/write_simulation_page/page.log",
    benchmark:
        "results/benchmarks/write_simulation_page/page.tsv"
    resources:
        mem_mb=lambda w, attempt: 500 * attempt,
        runtime=lambda w, attempt: 10 * attempt,
    params:
        code=code_digest(stage("publish.write_simulation_page")),
    shell:
        "python -m protodune.stages.publish.write_simulation_page --checks {input.checks:q} --picture {input.picture:q}"
        " --output {output:q} > {log:q} 2>&1"


rule simulation_report:
    """Stage target: the page of the simulation's acceptance checks."""
    input:
        rules.write_simulation_page.output,
