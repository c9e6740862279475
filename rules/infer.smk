"""Denoised planes of the test samples: networks and classical methods write the same files."""


def network_settings(wildcards):
    """Settings of a network's inference, JSON."""
    model = config["models"][wildcards.model]
    settings = {"task": wildcards.task, "model": wildcards.model, "cut_adc": model.get("cut_adc", 0)}
    precision = model.get("training", {}).get("precision", "float32")
    return json.dumps({**settings, "precision": precision}, sort_keys=True)


def methods_of(plane):
    """Names of all methods, classical and network, that there are for a plane family."""
    return METHODS + sorted(t.method for t in PLAN.trials if t.plane == plane)


def predictions_of(plane, samples):
    """Prediction files of all methods for a plane family and samples."""
    return expand(
        f"results/predictions/denoise/{{method}}/{plane}/{{sample}}.h5", method=methods_of(plane), sample=samples
    )


rule infer_network:
    """Run a network over the whole planes of one sample."""
    input:
        events="results/events/{sample}.h5",
        weights="results/models/{task}/{model}/{plane}/{trial}/weights.safetensors",
    output:
        ensure("results/predictions/{task}/{model}.{trial}/{plane}/{sample}.h5", non_empty=True),
    log:
        "results/logs/infer_network/{task}.{model}.{trial}.{plane}.{sample}.log",
    benchmark:
        "results/benchmarks/infer_network/{task}.{model}.{trial}.{plane}.{sample}.tsv"
    threads: 2
    resources:
        mem_mb=3000,
        runtime=60,
    params:
        settings=network_settings,
        code=code_digest("protodune.stages.infer_network"),
    shell:
        "python -m protodune.stages.infer_network --settings {params.settings:q} --plane {wildcards.plane}"
        " --events {input.events} --weights {input.weights} --output {output} --threads {threads} > {log} 2>&1"


rule infer_classical:
    """Run a classical method over the whole planes of one sample."""
    input:
        "results/events/{sample}.h5",
    output:
        ensure("results/predictions/{task}/{method}/{plane}/{sample}.h5", non_empty=True),
    log:
        "results/logs/infer_classical/{task}.{method}.{plane}.{sample}.log",
    benchmark:
        "results/benchmarks/infer_classical/{task}.{method}.{plane}.{sample}.tsv"
    wildcard_constraints:
        method=one_of(METHODS),
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        settings=lambda w: json.dumps(config["methods"][w.method], sort_keys=True),
        code=code_digest("protodune.stages.infer_classical"),
    shell:
        "python -m protodune.stages.infer_classical --settings {params.settings:q} --plane {wildcards.plane}"
        " --events {input} --output {output} > {log} 2>&1"


rule infer:
    """Stage target: predictions of all methods for the test samples."""
    input:
        [predictions_of(plane, samples_of("test")) for plane in PLANES],
