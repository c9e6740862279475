"""Evidence beyond the table of methods: details against the truth, checks without truth, signals added to data."""


rule check_noise:
    """Check one method without truth: noise, boards, spectra and pulses before and after."""
    input:
        events="results/events/{sample}.h5",
        products="results/products/{step}/{method}/{family}/{sample}.h5",
    output:
        ensure("results/noise/{step}/{method}/{family}/{sample}.tsv", non_empty=True),
    log:
        "results/logs/check_noise/{step}.{method}.{family}.{sample}.log",
    benchmark:
        "results/benchmarks/check_noise/{step}.{method}.{family}.{sample}.tsv"
    resources:
        mem_mb=lambda w, attempt: 2000 * attempt,
        runtime=lambda w, attempt: 30 * attempt,
    params:
        task=SETTINGS.task,
        code=CODE.of_sample("measure.check_noise"),
    shell:
        "python -m protodune.stages.measure.check_noise --task {params.task:q} --step {wildcards.step:q}"
        " --method {wildcards.method:q} --family {wildcards.family:q} --sample {wildcards.sample:q}"
        " --events {input.events:q} --products {input.products:q} --output {output:q} > {log:q} 2>&1"


rule match_planes:
    """Charge of one method at points that all three planes see, before and after; no truth is needed."""
    input:
        events="results/events/{sample}.h5",
        products=expand("results/products/{{step}}/{{method}}/{family}/{{sample}}.h5", family=FAMILIES),
    output:
        ensure("results/crossings/{step}/{method}/{sample}.tsv", non_empty=True),
    log:
        "results/logs/match_planes/{step}.{method}.{sample}.log",
    benchmark:
        "results/benchmarks/match_planes/{step}.{method}.{sample}.tsv"
    resources:
        mem_mb=lambda w, attempt: 2000 * attempt,
        runtime=lambda w, attempt: 30 * attempt,
    params:
        task=SETTINGS.task,
        code=CODE.of_sample("measure.match_planes"),
    shell:
        "python -m protodune.stages.measure.match_planes --task {params.task:q} --step {wildcards.step:q}"
        " --method {wildcards.method:q} --sample {wildcards.sample:q} --events {input.events:q}"
        " --products {input.products:q} --output {output:q} > {log:q} 2>&1"


rule inject_sample:
    """Put simulated signals on top of a recorded sample."""
    input:
        lambda w: events(OF.samples[w.sample].recording),
    output:
        ensure("results/events/{sample}.h5", non_empty=True),
    log:
        "results/logs/inject_sample/{sample}.log",
    benchmark:
        "results/benchmarks/inject_sample/{sample}.tsv"
    wildcard_constraints:
        sample=one_of(OF.injected()),
    resources:
        mem_mb=lambda w, attempt: 2000 * attempt,
        runtime=lambda w, attempt: 30 * attempt,
    params:
        settings=SETTINGS.sample,
        code=CODE.of_sample("produce.inject"),
    shell:
        "python -m protodune.stages.produce.inject --settings {params.settings:q} --events {input:q} --output {output:q}"
        " > {log:q} 2>&1"


rule score_injection:
    """What one method recovers of the signals that were added."""
    input:
        events="results/events/{sample}.h5",
        before=FILES.recording_product,
        after="results/products/{step}/{method}/{family}/{sample}.h5",
    output:
        ensure("results/injection/{step}/{method}/{family}/{sample}.tsv", non_empty=True),
    log:
        "results/logs/score_injection/{step}.{method}.{family}.{sample}.log",
    benchmark:
        "results/benchmarks/score_injection/{step}.{method}.{family}.{sample}.tsv"
    resources:
        mem_mb=lambda w, attempt: 2000 * attempt,
        runtime=lambda w, attempt: 30 * attempt,
    params:
        task=SETTINGS.task,
        code=CODE.of_sample("measure.score_injection"),
    shell:
        "python -m protodune.stages.measure.score_injection --task {params.task:q} --step {wildcards.step:q}"
        " --method {wildcards.method:q} --family {wildcards.family:q} --sample {wildcards.sample:q}"
        " --events {input.events:q} --before {input.before:q} --after {input.after:q} --output {output:q} > {log:q} 2>&1"


rule average_details:
    """Means over events of the details of one family."""
    input:
        lambda w: FILES.details(w.family),
    output:
        ensure("results/tables/details.{family}.tsv", non_empty=True),
    log:
        "results/logs/average_details/{family}.log",
    benchmark:
        "results/benchmarks/average_details/{family}.tsv"
    resources:
        mem_mb=lambda w, attempt: 1000 * attempt,
        runtime=lambda w, attempt: 10 * attempt,
    params:
        mixed=MIXED,
        code=code_digest(stage("measure.average")),
    shell:
        "python -m protodune.stages.measure.average --tables {input:q}"
        " --keys detector task step method family channels metric unit low high {params.mixed:q} --output {output:q}"
        " > {log:q} 2>&1"


rule average_noise:
    """Means over events of the checks without truth of one sample."""
    input:
        lambda w: FILES.noise_checks(w.family, w.sample),
    output:
        ensure("results/tables/noise.{family}.{sample}.tsv", non_empty=True),
    log:
        "results/logs/average_noise/{family}.{sample}.log",
    benchmark:
        "results/benchmarks/average_noise/{family}.{sample}.tsv"
    resources:
        mem_mb=lambda w, attempt: 1000 * attempt,
        runtime=lambda w, attempt: 10 * attempt,
    params:
        code=code_digest(stage("measure.average")),
    shell:
        "python -m protodune.stages.measure.average --tables {input:q}"
        " --keys detector task step method family plane quantity x y --values raw denoised removed --output {output:q}"
        " > {log:q} 2>&1"


rule average_injection:
    """Means over events of what was recovered of the signals that were added."""
    input:
        lambda w: FILES.injection_scores(w.family, w.sample),
    output:
        ensure("results/tables/injection.{family}.{sample}.tsv", non_empty=True),
    log:
        "results/logs/average_injection/{family}.{sample}.log",
    benchmark:
        "results/benchmarks/average_injection/{family}.{sample}.tsv"
    resources:
        mem_mb=lambda w, attempt: 1000 * attempt,
        runtime=lambda w, attempt: 10 * attempt,
    params:
        code=code_digest(stage("measure.average")),
    shell:
        "python -m protodune.stages.measure.average --tables {input:q}"
        " --keys detector task step method family channels metric unit low high --output {output:q} > {log:q} 2>&1"


rule gather_angles:
    """Scores of prolonged tracks by their angle."""
    input:
        FILES.angle_scores(),
    output:
        ensure("results/tables/angles.tsv", non_empty=True),
    log:
        "results/logs/gather_angles/angles.log",
    benchmark:
        "results/benchmarks/gather_angles/angles.tsv"
    resources:
        mem_mb=lambda w, attempt: 1000 * attempt,
        runtime=lambda w, attempt: 10 * attempt,
    params:
        angles=lambda w: as_json(OF.angles()),
        mixed=MIXED,
        code=CODE.table("measure.angles"),
    shell:
        "python -m protodune.stages.measure.angles --scores {input:q} --angles {params.angles:q} {params.mixed:q}"
        " --output {output:q} > {log:q} 2>&1"


rule evidence:
    """Stage target: details, checks without truth and injected signals as figures."""
    input:
        png(FIGURES.of_evidence()),
