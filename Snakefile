"""protodune: convert, prepare, train, infer, validate and draw; rules/ has one file per stage."""

import atexit
import os
import sys

from snakemake.logging import logger
from snakemake.utils import min_version

min_version("9.0")

sys.path.insert(0, str(workflow.current_basedir.join("workflow").get_path_or_uri(secret_free=True)))

import protodune


configfile: workflow.source_path("config/config.yaml")


report: "workflow/report/workflow.rst"


container: os.environ.get("PROTODUNE_CONTAINER", f"docker://localhost/protodune:{protodune.__version__}")


include: "rules/common.smk"
include: "rules/simulate.smk"
include: "rules/convert.smk"
include: "rules/prepare.smk"
include: "rules/train.smk"
include: "rules/search.smk"
include: "rules/scaling.smk"
include: "rules/infer.smk"
include: "rules/speed.smk"
include: "rules/validate.smk"
include: "rules/evidence.smk"
include: "rules/figures.smk"
include: "rules/paper.smk"
include: "rules/report.smk"
include: "rules/campaign.smk"


FAILURES = Failures()
logger.addHandler(FAILURES)


onerror:
    # At the very end, below what Snakemake still says after this.
    atexit.register(lambda: print(FAILURES.text(), file=sys.stderr, flush=True))


rule all:
    """Everything that the report shows, and the report."""
    default_target: True
    input:
        CAMPAIGN.each(FILES.tables()),
        png(FIGURES.of_every_run()),
        REPORT,
