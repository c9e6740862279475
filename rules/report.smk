"""The report: one self-contained page with all figures and tables, made by Snakemake itself."""

REPORTED = [*rules.validate.input, *rules.figures.input]
# The inner call must see what this one saw.
CONFIG_FILES = " ".join(f"{os.path.abspath(p)}" for p in workflow.configfiles)


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
        snakefile=os.path.join(BASE, "Snakefile"),
        configfiles=CONFIG_FILES,
    shell:
        "snakemake validate figures --snakefile {params.snakefile:q} --configfile {params.configfiles}"
        " --cores 1 --nolock --report {output} > {log} 2>&1"


rule report:
    """Stage target: the report."""
    input:
        rules.make_report.output if REPORTED else [],
