"""The report: one self-contained page with all figures and tables, made by Snakemake itself."""

from pathlib import Path

REPORTED = [*TARGETS.tables(), *TARGETS.figures()]
# The inner call must see what this one saw.
CONFIG_FILES = [str(Path(path).resolve()) for path in workflow.configfiles]


rule make_report:
    """Bundle figures, tables, settings and the workflow graph into one HTML page."""
    input:
        REPORTED,
    output:
        ensure("results/report.html", non_empty=True),
    log:
        "results/logs/make_report/report.log",
    benchmark:
        "results/benchmarks/make_report/report.tsv"
    localrule: True
    resources:
        mem_mb=1000,
        runtime=15,
    params:
        snakefile=str(Path(BASE) / "Snakefile"),
        configfiles=CONFIG_FILES,
    shell:
        "snakemake validate figures --snakefile {params.snakefile:q} --configfile {params.configfiles}"
        " --cores 1 --nolock --report {output} > {log} 2>&1"


rule report:
    """Stage target: the report."""
    input:
        TARGETS.report(),
