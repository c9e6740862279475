"""Denoised planes of the test samples: networks and classical methods write the same files."""


rule infer_network:
    """Run a network over the whole planes of one sample."""
    input:
        events="results/events/{sample}.h5",
        weights=TARGETS.network_weights,
    output:
        ensure("results/predictions/{task}/{model}.{trial}/{plane}/{sample}.h5", non_empty=True),
    log:
        "results/logs/infer_network/{task}.{model}.{trial}.{plane}.{sample}.log",
    benchmark:
        "results/benchmarks/infer_network/{task}.{model}.{trial}.{plane}.{sample}.tsv"
    threads: 2
    resources:
        mem_mb=lambda w, attempt: 3000 * attempt,
        runtime=lambda w, attempt: 60 * attempt,
    params:
        settings=TARGETS.network_settings,
        code=TARGETS.network_code,
    shell:
        "python -m protodune.stages.produce.infer_network --settings {params.settings:q} --plane {wildcards.plane}"
        " --events {input.events} --weights {input.weights} --output {output} --threads {threads}"
        " --code {params.code} > {log} 2>&1"


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
        method=one_of(TARGETS.methods),
    threads: 1
    resources:
        mem_mb=lambda w, attempt: 2000 * attempt,
        runtime=lambda w, attempt: 30 * attempt,
    params:
        settings=TARGETS.method_settings,
        code=code_digest("protodune.stages.produce.infer_classical"),
    shell:
        "python -m protodune.stages.produce.infer_classical --settings {params.settings:q} --plane {wildcards.plane}"
        " --events {input} --output {output} --threads {threads} --code {params.code} > {log} 2>&1"


rule infer:
    """Stage target: predictions of all methods for the test samples."""
    input:
        TARGETS.predictions(),


rule export_sample:
    """Write the predictions of one method for one sample as ROOT, for LArSoft."""
    input:
        events="results/events/{sample}.h5",
        predictions=TARGETS.exported_predictions,
    output:
        ensure("results/export/{method}/{sample}.root", non_empty=True),
    log:
        "results/logs/export_sample/{method}.{sample}.log",
    benchmark:
        "results/benchmarks/export_sample/{method}.{sample}.tsv"
    wildcard_constraints:
        method=one_of(TARGETS.methods + TARGETS.networks),
    resources:
        mem_mb=lambda w, attempt: 2000 * attempt,
        runtime=lambda w, attempt: 60 * attempt,
    params:
        code=code_digest("protodune.stages.produce.export"),
    shell:
        "python -m protodune.stages.produce.export --events {input.events} --predictions {input.predictions}"
        " --output {output} > {log} 2>&1"


rule export:
    """Stage target: the shown network's predictions for all test samples as ROOT files."""
    input:
        TARGETS.exports(),


rule export_model:
    """Write one network as ONNX and TorchScript with its card, for other frameworks."""
    input:
        TARGETS.network_weights,
    output:
        onnx=ensure("results/exported_models/{task}/{model}.{trial}/{plane}/model.onnx", non_empty=True),
        torchscript="results/exported_models/{task}/{model}.{trial}/{plane}/model.torchscript.pt",
        card="results/exported_models/{task}/{model}.{trial}/{plane}/model_card.md",
    log:
        "results/logs/export_model/{task}.{model}.{trial}.{plane}.log",
    benchmark:
        "results/benchmarks/export_model/{task}.{model}.{trial}.{plane}.tsv"
    resources:
        mem_mb=lambda w, attempt: 6000 * attempt,
        runtime=lambda w, attempt: 30 * attempt,
    params:
        folder=subpath(output.card, parent=True),
        code=code_digest("protodune.stages.learn.export_model"),
    shell:
        "python -m protodune.stages.learn.export_model --weights {input} --plane {wildcards.plane}"
        " --output {params.folder} > {log} 2>&1"


rule export_models:
    """Stage target: all networks for other frameworks."""
    input:
        TARGETS.exported_models(),
