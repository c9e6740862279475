"""The report: one self-contained page with all figures and tables, made by Snakemake itself."""

from pathlib import Path

REPORTED = [*FILES.tables(), *png(FIGURES.of_every_run())]
REPORT = ["results/report.html"] if REPORTED else []


rule make_report:
    """Bundle figures, tables, settings and the workflow graph into one HTML page."""
    input:
        REPORTED,
    output:
        html=ensure("results/report.html", non_empty=True),
        # The settings of this run, defaults included; the inner call must see what this one saw.
        config=ensure("results/config.json", non_empty=True),
    log:
        "results/logs/make_report/report.log",
    benchmark:
        "results/benchmarks/make_report/report.tsv"
    localrule: True
    resources:
        mem_mb=lambda w, attempt: 1000 * attempt,
        runtime=lambda w, attempt: 15 * attempt,
    params:
        snakefile=lambda w: str(Path(BASE) / "Snakefile"),
        # A function, since Snakemake would take braces in the settings for wildcards.
        config=lambda w: SETTINGS.whole(),
    shell:
        "(printf '%s\\n' {params.config:q} > {output.config:q} && snakemake validate figures"
        " --snakefile {params.snakefile:q} --configfile {output.config:q} --cores 1 --nolock --report {output.html:q})"
        " > {log:q} 2>&1"


rule report:
    """Stage target: the report."""
    input:
        CAMPAIGN.each(REPORT),
