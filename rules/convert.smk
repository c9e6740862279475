"""ROOT files to event stores."""


def is_remote(path):
    """Whether a source is an address that uproot opens itself; Snakemake would take it for a local path."""
    return "://" in path


def source_of(wildcards):
    """Path or address of a sample's raw digits."""
    row = SAMPLES[wildcards.sample]
    return f"results/root/{row.sample}.root" if row.is_toy else row.source


def local_sources(wildcards):
    """The files on disk that a conversion reads."""
    paths = [source_of(wildcards), SAMPLES[wildcards.sample].partner]
    return [path for path in paths if path and not is_remote(path)]


def convert_settings(wildcards):
    """Settings of the conversion of one sample, JSON."""
    row = SAMPLES[wildcards.sample]
    return json.dumps({"sample": row.sample, "kind": row.kind, "tag": row.tag or None}, sort_keys=True)


rule convert_sample:
    """Convert one ROOT file, one event at a time."""
    input:
        local_sources,
    output:
        ensure("results/events/{sample}.h5", non_empty=True),
    log:
        "results/logs/convert_sample/{sample}.log",
    benchmark:
        "results/benchmarks/convert_sample/{sample}.tsv"
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        source=source_of,
        partner=lambda w: f"--partner {SAMPLES[w.sample].partner}" if SAMPLES[w.sample].partner else "",
        settings=convert_settings,
        code=code_digest("protodune.stages.convert"),
    shell:
        "python -m protodune.stages.convert --settings {params.settings:q} --source {params.source:q}"
        " {params.partner} --output {output} > {log} 2>&1"


rule convert:
    """Stage target: the event stores of all samples."""
    input:
        expand("results/events/{sample}.h5", sample=SAMPLES),
