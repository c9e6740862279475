"""Samples of the embedded simulation, written as ROOT files as real data would come."""


def sample_settings(wildcards):
    """Settings of the simulation of one sample, JSON."""
    row = SAMPLES[wildcards.sample]
    settings = {"sample": row.sample, "seed": row.seed, "events": row.events, "apas": list(row.apas)}
    return json.dumps({**settings, "simulation": config["simulation"]}, sort_keys=True)


rule simulate_sample:
    """Simulate cosmic muons in the APAs of one sample."""
    output:
        ensure("results/root/{sample}.root", non_empty=True),
    log:
        "results/logs/simulate_sample/{sample}.log",
    benchmark:
        "results/benchmarks/simulate_sample/{sample}.tsv"
    wildcard_constraints:
        sample=one_of(name for name, s in SAMPLES.items() if s.is_toy),
    resources:
        mem_mb=1500,
        runtime=30,
    params:
        settings=sample_settings,
        code=code_digest("protodune.stages.simulate"),
    shell:
        "python -m protodune.stages.simulate --settings {params.settings:q} --output {output} > {log} 2>&1"


rule simulate:
    """Stage target: all simulated samples."""
    input:
        [f"results/root/{name}.root" for name, s in SAMPLES.items() if s.is_toy],
