"""ROOT files to event stores."""


rule convert_sample:
    """Convert one ROOT file, one event at a time."""
    input:
        FILES.local_sources,
    output:
        ensure("results/events/{sample}.h5", non_empty=True),
    log:
        "results/logs/convert_sample/{sample}.log",
    benchmark:
        "results/benchmarks/convert_sample/{sample}.tsv"
    wildcard_constraints:
        sample=one_of(OF.converted()),
    threads: 2
    resources:
        mem_mb=lambda w, attempt: 2000 * attempt,
        runtime=lambda w, attempt: 60 * attempt,
        source_options="",
    params:
        source=SETTINGS.source,
        unnamed=FILES.unnamed_sources,
        options=SETTINGS.convert_options,
        settings=SETTINGS.convert,
        code=CODE.of_sample("produce.convert"),
    shell:
        "python -m protodune.stages.produce.convert --settings {params.settings:q} --source {params.source:q}"
        " {params.options:q} --output {output:q} --threads {threads} {resources.source_options} > {log:q} 2>&1"


rule convert:
    """Stage target: the event stores of all samples."""
    input:
        CAMPAIGN.each(FILES.events()),


rule check_sample:
    """Read every event of one source and write down what is in it and what is wrong; a bad file ends no other check."""
    input:
        FILES.checked_files,
    output:
        text=ensure("results/checks/{sample}.txt", non_empty=True),
        row=ensure("results/checks/{sample}.tsv", non_empty=True),
    log:
        "results/logs/check_sample/{sample}.log",
    benchmark:
        "results/benchmarks/check_sample/{sample}.tsv"
    resources:
        mem_mb=lambda w, attempt: 2000 * attempt,
        runtime=lambda w, attempt: 60 * attempt,
        source_options="",
    params:
        source=SETTINGS.source,
        unnamed=FILES.unnamed_sources,
        options=SETTINGS.check_options,
        code=CODE.of_sample("produce.check"),
    shell:
        "python -m protodune.stages.produce.check --sample {wildcards.sample:q} --source {params.source:q} {params.options:q}"
        " --output {output.text:q} --row {output.row:q} {resources.source_options} > {log:q} 2>&1"


rule gather_checks:
    """One table of all sources."""
    input:
        FILES.checks(),
    output:
        tsv=ensure("results/tables/check.tsv", non_empty=True),
        md=ensure("results/tables/check.md", non_empty=True),
    log:
        "results/logs/gather_checks/check.log",
    benchmark:
        "results/benchmarks/gather_checks/check.tsv"
    localrule: True
    resources:
        mem_mb=lambda w, attempt: 500 * attempt,
        runtime=lambda w, attempt: 10 * attempt,
    params:
        code=code_digest(stage("produce.gather_checks")),
    shell:
        "python -m protodune.stages.produce.gather_checks --rows {input:q} --output {output.tsv:q} > {log:q} 2>&1"


rule check:
    """Stage target: look into every source that is not simulated, before hours are spent; fails if one has a problem."""
    input:
        CAMPAIGN.each([]),
        tsv=rules.gather_checks.output.tsv,
        md=rules.gather_checks.output.md,
    log:
        "results/logs/check/check.log",
    retries: 0
    localrule: True
    shell:
        # The table goes to the screen alone, the error to the log as well.
        "{{ python -m protodune.stages.produce.judge_checks --table {input.tsv:q} 2>&1 >&3 | tee {log:q} >&2; }} 3>&1"
