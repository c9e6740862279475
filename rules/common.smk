"""What every rules file shares: the checked configuration, code digests, wildcard constraints."""

import json
import os

from protodune.dag.config_check import check_config
from protodune.dag.digest import code_digest
from protodune.errors import ProtoduneError
from snakemake.exceptions import WorkflowError

BASE = str(workflow.basedir)
# Jobs run `python -m protodune...` with the interpreter's own folder first, so no virtual environment need be active, and
# with the package of this checkout, so it need not be installed.
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [os.path.join(BASE, "workflow"), os.environ.get("PYTHONPATH")]))
os.environ["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", "")])

try:
    PLAN = check_config(config)
except ProtoduneError as error:
    raise WorkflowError(str(error))

SAMPLES = PLAN.samples
TRIALS = {(t.task, t.model, t.plane, t.trial): t for t in PLAN.trials}
PLANES = ["induction", "collection"]
NETWORKS = sorted({t.method for t in PLAN.trials})
METHODS = list(config["methods"])


def samples_of(*splits):
    """Names of the samples of the given splits."""
    return [name for name, sample in SAMPLES.items() if sample.split in splits]


def one_of(names):
    """A wildcard constraint that matches these names only."""
    return "|".join(sorted(names)) or "(?!)"


wildcard_constraints:
    sample=one_of(SAMPLES),
    plane=one_of(PLANES),
    task="denoise",
    model=one_of(config["models"]),
    trial=one_of({t.trial for t in PLAN.trials}),
    patches=one_of(config["patches"]),
