"""Evidence beyond the table of methods: measurements against the truth, checks without truth, signals added to data."""

from protodune.dag.evidence import ANGLE_FIGURES, CHECK_FIGURES, MEASURED_FIGURES, Evidence

EVIDENCE = Evidence(TARGETS)


wildcard_constraints:
    method=one_of(TARGETS.methods + TARGETS.networks),


rule measure_sample:
    """Measure one method against the truth: by amplitude, by charge, by label, with DUNEdn's metrics."""
    input:
        events="results/events/{sample}.h5",
        predictions="results/predictions/{task}/{method}/{plane}/{sample}.h5",
    output:
        ensure("results/measurements/{task}/{method}/{plane}/{sample}.tsv", non_empty=True),
    log:
        "results/logs/measure_sample/{task}.{method}.{plane}.{sample}.log",
    benchmark:
        "results/benchmarks/measure_sample/{task}.{method}.{plane}.{sample}.tsv"
    resources:
        mem_mb=lambda w, attempt: 2000 * attempt,
        runtime=lambda w, attempt: 30 * attempt,
    params:
        code=code_digest("protodune.stages.measure.measure"),
    shell:
        "python -m protodune.stages.measure.measure --plane {wildcards.plane} --method {wildcards.method}"
        " --sample {wildcards.sample} --events {input.events} --predictions {input.predictions}"
        " --output {output} > {log} 2>&1"


rule check_noise:
    """Check one method without truth: noise, boards, spectra and pulses before and after."""
    input:
        events="results/events/{sample}.h5",
        predictions="results/predictions/{task}/{method}/{plane}/{sample}.h5",
    output:
        ensure("results/noise/{task}/{method}/{plane}/{sample}.tsv", non_empty=True),
    log:
        "results/logs/check_noise/{task}.{method}.{plane}.{sample}.log",
    benchmark:
        "results/benchmarks/check_noise/{task}.{method}.{plane}.{sample}.tsv"
    resources:
        mem_mb=lambda w, attempt: 2000 * attempt,
        runtime=lambda w, attempt: 30 * attempt,
    params:
        code=code_digest("protodune.stages.measure.check_noise"),
    shell:
        "python -m protodune.stages.measure.check_noise --plane {wildcards.plane} --method {wildcards.method}"
        " --sample {wildcards.sample} --events {input.events} --predictions {input.predictions}"
        " --output {output} > {log} 2>&1"


rule match_planes:
    """Charges of one method at points that all planes see, before and after; no truth is needed."""
    input:
        events="results/events/{sample}.h5",
        induction="results/predictions/denoise/{method}/induction/{sample}.h5",
        collection="results/predictions/denoise/{method}/collection/{sample}.h5",
    output:
        ensure("results/crossings/{method}/{sample}.tsv", non_empty=True),
    log:
        "results/logs/match_planes/{method}.{sample}.log",
    benchmark:
        "results/benchmarks/match_planes/{method}.{sample}.tsv"
    resources:
        mem_mb=lambda w, attempt: 2000 * attempt,
        runtime=lambda w, attempt: 30 * attempt,
    params:
        code=code_digest("protodune.stages.measure.match_planes"),
    shell:
        "python -m protodune.stages.measure.match_planes --method {wildcards.method} --sample {wildcards.sample}"
        " --events {input.events} --induction {input.induction} --collection {input.collection} --output {output}"
        " > {log} 2>&1"


rule inject_sample:
    """Put simulated signals on top of a recorded sample."""
    input:
        lambda w: f"results/events/{TARGETS.samples[w.sample].recording}.h5",
    output:
        ensure("results/events/{sample}.h5", non_empty=True),
    log:
        "results/logs/inject_sample/{sample}.log",
    benchmark:
        "results/benchmarks/inject_sample/{sample}.tsv"
    wildcard_constraints:
        sample=one_of(EVIDENCE.injected()),
    resources:
        mem_mb=lambda w, attempt: 2000 * attempt,
        runtime=lambda w, attempt: 30 * attempt,
    params:
        settings=TARGETS.sample_settings,
        code=code_digest("protodune.stages.produce.inject"),
    shell:
        "python -m protodune.stages.produce.inject --settings {params.settings:q} --events {input} --output {output} > {log} 2>&1"


rule score_injection:
    """What one method recovers of the added signals."""
    input:
        events="results/events/{sample}.h5",
        before=EVIDENCE.recording_predictions,
        after="results/predictions/denoise/{method}/{plane}/{sample}.h5",
    output:
        ensure("results/injection/denoise/{method}/{plane}/{sample}.tsv", non_empty=True),
    log:
        "results/logs/score_injection/{method}.{plane}.{sample}.log",
    benchmark:
        "results/benchmarks/score_injection/{method}.{plane}.{sample}.tsv"
    resources:
        mem_mb=lambda w, attempt: 2000 * attempt,
        runtime=lambda w, attempt: 30 * attempt,
    params:
        code=code_digest("protodune.stages.measure.score_injection"),
    shell:
        "python -m protodune.stages.measure.score_injection --plane {wildcards.plane} --method {wildcards.method}"
        " --sample {wildcards.sample} --events {input.events} --before {input.before} --after {input.after}"
        " --output {output} > {log} 2>&1"


rule average_measurements:
    """Means over events of the measurements of one plane family."""
    input:
        lambda w: EVIDENCE.measurements(w.plane),
    output:
        ensure("results/tables/measurements.{plane}.tsv", non_empty=True),
    log:
        "results/logs/average_measurements/{plane}.log",
    benchmark:
        "results/benchmarks/average_measurements/{plane}.tsv"
    resources:
        mem_mb=lambda w, attempt: 1000 * attempt,
        runtime=lambda w, attempt: 10 * attempt,
    params:
        code=code_digest("protodune.stages.measure.average"),
    shell:
        "python -m protodune.stages.measure.average --tables {input} --keys plane method quantity low high --output {output}"
        " > {log} 2>&1"


rule average_noise:
    """Means over events of the checks without truth of one sample."""
    input:
        lambda w: EVIDENCE.noise_checks(w.plane, w.sample),
    output:
        ensure("results/tables/noise.{plane}.{sample}.tsv", non_empty=True),
    log:
        "results/logs/average_noise/{plane}.{sample}.log",
    benchmark:
        "results/benchmarks/average_noise/{plane}.{sample}.tsv"
    resources:
        mem_mb=lambda w, attempt: 1000 * attempt,
        runtime=lambda w, attempt: 10 * attempt,
    params:
        code=code_digest("protodune.stages.measure.average"),
    shell:
        "python -m protodune.stages.measure.average --tables {input} --keys plane method view quantity x y"
        " --values raw denoised removed --output {output} > {log} 2>&1"


rule average_injection:
    """Means over events of what was recovered of added signals."""
    input:
        lambda w: EVIDENCE.injection_scores(w.plane, w.sample),
    output:
        ensure("results/tables/injection.{plane}.{sample}.tsv", non_empty=True),
    log:
        "results/logs/average_injection/{plane}.{sample}.log",
    benchmark:
        "results/benchmarks/average_injection/{plane}.{sample}.tsv"
    resources:
        mem_mb=lambda w, attempt: 1000 * attempt,
        runtime=lambda w, attempt: 10 * attempt,
    params:
        code=code_digest("protodune.stages.measure.average"),
    shell:
        "python -m protodune.stages.measure.average --tables {input} --keys plane method quantity low high --output {output}"
        " > {log} 2>&1"


rule gather_angles:
    """Scores of prolonged tracks by their angle."""
    input:
        EVIDENCE.angle_scores(),
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
        angles=lambda w: EVIDENCE.angles_json(),
        code=code_digest("protodune.stages.measure.angles"),
    shell:
        "python -m protodune.stages.measure.angles --scores {input} --angles {params.angles:q} --output {output} > {log} 2>&1"


rule draw_evidence:
    """One figure of the evidence, from its table alone."""
    input:
        EVIDENCE.figure_table,
    output:
        png=report(
            "results/figures/{figure}.{subject}.png", caption="../workflow/report/evidence.rst", category="Evidence"
        ),
        svg=ensure("results/figures/{figure}.{subject}.svg", non_empty=True),
        tsv=ensure("results/figures/{figure}.{subject}.tsv", non_empty=True),
    log:
        "results/logs/draw_evidence/{figure}.{subject}.log",
    benchmark:
        "results/benchmarks/draw_evidence/{figure}.{subject}.tsv"
    wildcard_constraints:
        figure=one_of([*ANGLE_FIGURES, *CHECK_FIGURES, *MEASURED_FIGURES, "crossings", "injection"]),
        subject=one_of(EVIDENCE.subjects()).replace(".", "[.]"),
    resources:
        mem_mb=lambda w, attempt: 500 * attempt,
        runtime=lambda w, attempt: 10 * attempt,
    params:
        of=EVIDENCE.figure_of,
        methods=config["figures"].get("compared", []),
        networks=TARGETS.networks,
        code=code_digest("protodune.stages.publish.draw_evidence"),
    shell:
        "python -m protodune.stages.publish.draw_evidence {wildcards.figure} --tables {input} --of={params.of:q}"
        " --methods {params.methods} --networks {params.networks} --output {output.png} > {log} 2>&1"


rule evidence:
    """Stage target: measurements, checks without truth and injected signals as figures."""
    input:
        EVIDENCE.figures(),
