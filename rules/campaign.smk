"""The campaign: many files through conversion, inference and export, a batch of them in a job; what each file became."""

CAMPAIGN_ATTEMPTS = 3


rule plan_campaign:
    """Write down which files there are, so that the state of the campaign can be told at any time."""
    output:
        ensure("results/campaign/plan.tsv", non_empty=True),
    log:
        "results/logs/plan_campaign/plan.log",
    priority: 100
    localrule: True
    resources:
        mem_mb=lambda w, attempt: 500 * attempt,
        runtime=lambda w, attempt: 10 * attempt,
    params:
        plan=lambda w: CAMPAIGN.plan(),
    shell:
        "printf '%s\\n' {params.plan:q} > {output:q} 2> {log:q}"


rule clean_batch:
    """Clean a batch of files in one process; what fails is recorded and stops no other file."""
    input:
        CAMPAIGN.trained_weights,
    output:
        ensure("results/campaign/batches/{sample}.{number}.tsv", non_empty=True),
    log:
        "results/logs/clean_batch/{sample}.{number}.log",
    benchmark:
        "results/benchmarks/clean_batch/{sample}.{number}.tsv"
    wildcard_constraints:
        sample=one_of(CAMPAIGN.samples),
        number=r"\d+",
    retries: CAMPAIGN_ATTEMPTS - 1
    threads: 2
    resources:
        scratch="",
        source_options="",
        tries=lambda w, attempt: attempt,
        mem_mb=lambda w, attempt: 3000 * attempt,
        runtime=lambda w, attempt: 480 * attempt,
    params:
        files=CAMPAIGN.files,
        state=CAMPAIGN.state,
        draw=CAMPAIGN.drawn,
        settings=CAMPAIGN.settings,
        weights=CAMPAIGN.weights,
        beside=CAMPAIGN.beside,
        code=CODE.campaign,
        attempts=CAMPAIGN_ATTEMPTS,
    shell:
        "python -m protodune.stages.produce.clean_batch --settings {params.settings:q} --weights {params.weights:q}"
        " --sample {wildcards.sample:q} --files {params.files:q} --draw {params.draw:q} --campaign results/campaign"
        " --output {output:q} --code {params.code:q} --attempt {resources.tries:q} --attempts {params.attempts:q}"
        " --scratch={resources.scratch:q} --threads {threads} {resources.source_options} > {log:q} 2>&1"


rule gather_campaign:
    """One table of all files, one of all runs, and what the data of the runs are like."""
    input:
        lambda w: CAMPAIGN.tables(),
        plan=rules.plan_campaign.output,
    output:
        files=ensure("results/campaign/files.tsv", non_empty=True),
        runs=ensure("results/campaign/runs.tsv", non_empty=True),
        quality=ensure("results/campaign/quality.tsv", non_empty=True),
    log:
        "results/logs/gather_campaign/campaign.log",
    benchmark:
        "results/benchmarks/gather_campaign/campaign.tsv"
    localrule: True
    resources:
        mem_mb=lambda w, attempt: 1000 * attempt,
        runtime=lambda w, attempt: 30 * attempt,
    params:
        code=code_digest(stage("publish.campaign")),
    shell:
        "python -m protodune.stages.publish.campaign gather --files {output.files:q} --runs {output.runs:q}"
        " --quality {output.quality:q} > {log:q} 2>&1"


rule campaign:
    """Stage target: all files cleaned, their table and figures; shows the state of the campaign."""
    input:
        rules.gather_campaign.output,
        png(FIGURES.of_kinds("campaign")),
    log:
        "results/logs/campaign/campaign.log",
    localrule: True
    shell:
        "{{ python -m protodune.stages.publish.campaign status 2>&1 >&3 | tee {log:q} >&2; }} 3>&1"
