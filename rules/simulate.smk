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
        mem_mb=1500,
        runtime=30,
    params:
        settings=TARGETS.sample_settings,
        code=code_digest("protodune.stages.simulate"),
    shell:
        "python -m protodune.stages.simulate --settings {params.settings:q} --output {output} > {log} 2>&1"


rule simulate:
    """Stage target: all simulated samples."""
    input:
        expand("results/raw/{sample}.root", sample=TARGETS.toys()),
