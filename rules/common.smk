"""What every rules file shares: the checked configuration, its targets, code digests, wildcard constraints."""

from protodune.dag.config_check import check_config
from protodune.dag.digest import code_digest, file_digest
from protodune.dag.environment import set_job_environment
from protodune.dag.targets import PLANES, Targets, one_of
from protodune.core.errors import ProtoduneError
from snakemake.exceptions import WorkflowError

BASE = str(workflow.basedir)
set_job_environment(BASE)

try:
    TARGETS = Targets(check_config(config))
except ProtoduneError as error:
    raise WorkflowError(str(error))


wildcard_constraints:
    sample=one_of(TARGETS.samples),
    plane=one_of(PLANES),
    task="denoise|roi",
    model=one_of(config["models"]),
    trial=one_of(t.trial for t in TARGETS.trials),
    patches=one_of(config["patches"]),
