"""Products of the test samples: networks and classical methods write the same files."""


rule infer_network:
    """Run a network over the whole planes of one sample."""
    input:
        FILES.inputs,
        events="results/events/{sample}.h5",
        weights=FILES.network_weights,
        int8=FILES.network_int8,
    output:
        ensure("results/products/{step}/{model}.{trial}/{family}/{sample}.h5", non_empty=True),
    log:
        "results/logs/infer_network/{step}.{model}.{trial}.{family}.{sample}.log",
    benchmark:
        "results/benchmarks/infer_network/{step}.{model}.{trial}.{family}.{sample}.tsv"
    threads: 2
    resources:
        mem_mb=lambda w, attempt: 3000 * attempt,
        runtime=lambda w, attempt: 60 * attempt,
    params:
        settings=SETTINGS.network,
        inputs=SETTINGS.inputs,
        code=CODE.network,
    shell:
        "python -m protodune.stages.produce.infer_network --settings {params.settings:q} --step {wildcards.step:q}"
        " --method {wildcards.model:q}.{wildcards.trial:q} --family {wildcards.family:q} --events {input.events:q}"
        " --weights {input.weights:q} --inputs {params.inputs:q} --output {output:q} --threads {threads}"
        " --code {params.code:q} > {log:q} 2>&1"


rule infer_classical:
    """Run a classical method over the whole planes of one sample."""
    input:
        "results/events/{sample}.h5",
    output:
        ensure("results/products/{step}/{method}/{family}/{sample}.h5", non_empty=True),
    log:
        "results/logs/infer_classical/{step}.{method}.{family}.{sample}.log",
    benchmark:
        "results/benchmarks/infer_classical/{step}.{method}.{family}.{sample}.tsv"
    wildcard_constraints:
        method=one_of(set(OF.classical) - set(OF.from_frames)),
    threads: 1
    resources:
        mem_mb=lambda w, attempt: 2000 * attempt,
        runtime=lambda w, attempt: 30 * attempt,
    params:
        settings=SETTINGS.method,
        task=SETTINGS.task,
        code=CODE.method,
    shell:
        "python -m protodune.stages.produce.infer_classical --settings {params.settings:q} --task {params.task:q}"
        " --step {wildcards.step:q} --method {wildcards.method:q} --family {wildcards.family:q} --events {input:q}"
        " --output {output:q} --threads {threads} --code {params.code:q} > {log:q} 2>&1"


rule infer_frames:
    """Take the products of one sample from the frame file that Wire-Cell wrote."""
    input:
        events="results/events/{sample}.h5",
        frames=FILES.frames,
    output:
        ensure("results/products/{step}/{method}/{family}/{sample}.h5", non_empty=True),
    log:
        "results/logs/infer_frames/{step}.{method}.{family}.{sample}.log",
    benchmark:
        "results/benchmarks/infer_frames/{step}.{method}.{family}.{sample}.tsv"
    wildcard_constraints:
        method=one_of(OF.from_frames),
    resources:
        mem_mb=lambda w, attempt: 2000 * attempt,
        runtime=lambda w, attempt: 30 * attempt,
    params:
        settings=SETTINGS.frames,
        task=SETTINGS.task,
        code=CODE.frames,
    shell:
        "python -m protodune.stages.produce.infer_frames --settings {params.settings:q} --task {params.task:q}"
        " --step {wildcards.step:q} --method {wildcards.method:q} --family {wildcards.family:q} --events {input.events:q}"
        " --frames {input.frames:q} --output {output:q} --code {params.code:q} > {log:q} 2>&1"


rule infer:
    """Stage target: products of all methods for the test samples."""
    input:
        CAMPAIGN.each(FILES.products()),


rule export_sample:
    """Write the products of one method for one sample as ROOT, for LArSoft."""
    input:
        events="results/events/{sample}.h5",
        products=FILES.exported_products,
    output:
        ensure("results/export/{method}/{sample}.root", non_empty=True),
    log:
        "results/logs/export_sample/{method}.{sample}.log",
    benchmark:
        "results/benchmarks/export_sample/{method}.{sample}.tsv"
    resources:
        mem_mb=lambda w, attempt: 2000 * attempt,
        runtime=lambda w, attempt: 60 * attempt,
    params:
        options=SETTINGS.export_options,
        code=CODE.of_sample("produce.export"),
    shell:
        "python -m protodune.stages.produce.export --events {input.events:q} --products {input.products:q}"
        " {params.options:q} --output {output:q} > {log:q} 2>&1"


rule export:
    """Stage target: products of the network that the figures show, for all test samples, as ROOT files."""
    input:
        CAMPAIGN.each(FILES.exports()),


rule export_model:
    """Write one network as ONNX and TorchScript with its card, for other frameworks."""
    input:
        FILES.network_weights,
    output:
        onnx=ensure("results/exported_models/{step}/{model}.{trial}/{family}/model.onnx", non_empty=True),
        torchscript="results/exported_models/{step}/{model}.{trial}/{family}/model.torchscript.pt",
        card="results/exported_models/{step}/{model}.{trial}/{family}/model_card.md",
    log:
        "results/logs/export_model/{step}.{model}.{trial}.{family}.log",
    benchmark:
        "results/benchmarks/export_model/{step}.{model}.{trial}.{family}.tsv"
    resources:
        mem_mb=lambda w, attempt: 6000 * attempt,
        runtime=lambda w, attempt: 30 * attempt,
    params:
        folder=subpath(output.card, parent=True),
        options=SETTINGS.plane_options,
        code=CODE.of_network("learn.export_model"),
    shell:
        "python -m protodune.stages.learn.export_model --weights {input:q} --family {wildcards.family:q}"
        " {params.options:q} --output {params.folder:q} > {log:q} 2>&1"


rule export_models:
    """Stage target: all networks for other frameworks."""
    input:
        FILES.exported_models(),


rule export_sample_frames:
    """Write the raw digits of one sample as a frame file, so that Wire-Cell can run on it."""
    input:
        "results/events/{sample}.h5",
    output:
        ensure("results/frames/{sample}.tar.gz", non_empty=True),
    log:
        "results/logs/export_sample_frames/{sample}.log",
    benchmark:
        "results/benchmarks/export_sample_frames/{sample}.tsv"
    resources:
        mem_mb=lambda w, attempt: 2000 * attempt,
        runtime=lambda w, attempt: 60 * attempt,
    params:
        code=CODE.of_sample("produce.export_frames"),
    shell:
        "python -m protodune.stages.produce.export_frames --events {input:q} --output {output:q} > {log:q} 2>&1"


rule export_frames:
    """Stage target: frame files of all test samples, for Wire-Cell."""
    input:
        CAMPAIGN.each(FILES.exported_frames()),


rule export_wirecell_model:
    """Write one region selector as TorchScript that Wire-Cell's DNNROIFinding runs."""
    input:
        FILES.network_weights,
    output:
        model=ensure("results/exported_models/{step}/{model}.{trial}/{family}/model.wirecell.pt", non_empty=True),
        card="results/exported_models/{step}/{model}.{trial}/{family}/model.wirecell.md",
    log:
        "results/logs/export_wirecell_model/{step}.{model}.{trial}.{family}.log",
    benchmark:
        "results/benchmarks/export_wirecell_model/{step}.{model}.{trial}.{family}.tsv"
    resources:
        mem_mb=lambda w, attempt: 3000 * attempt,
        runtime=lambda w, attempt: 30 * attempt,
    params:
        margins=SETTINGS.margins(),
        code=CODE.of_network("learn.export_wirecell"),
    shell:
        "python -m protodune.stages.learn.export_wirecell --weights {input:q} --family {wildcards.family:q}"
        " --margins {params.margins:q} --output {output.model:q} --card {output.card:q} > {log:q} 2>&1"


rule export_wirecell:
    """Stage target: all networks that Wire-Cell can run."""
    input:
        FILES.wirecell_models(),
