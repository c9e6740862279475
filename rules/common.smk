"""What every rules file shares: the checked configuration, its files, settings and code digests, wildcard constraints."""

from protodune.core.errors import ProtoduneError
from protodune.core.registry import names
from protodune.dag.campaign import Campaign
from protodune.dag.config_check import check_config
from protodune.dag.digest import code_digest, file_digest
from protodune.dag.environment import set_job_environment
from protodune.dag.failures import Failures
from protodune.dag.figures import Figures, as_json, figure_spec, png
from protodune.dag.files import Files
from protodune.dag.job_code import JobCode, stage
from protodune.dag.job_settings import JobSettings
from protodune.dag.paper import Paper
from protodune.dag.products import FAMILIES, LEVELS, events, one_of
from protodune.dag.selection import Selection
from snakemake.exceptions import WorkflowError

BASE = str(workflow.basedir)
set_job_environment(BASE)

try:
    OF = Selection(check_config(config, workflow.configfiles))
except ProtoduneError as error:
    raise WorkflowError(str(error))

config.update(OF.config)
FILES, SETTINGS, CODE = Files(OF), JobSettings(OF), JobCode(OF)
FIGURES = Figures(OF, FILES)
PAPER = Paper(OF, FILES, FIGURES)
CAMPAIGN = Campaign(OF, FILES)
MIXED = "--mixed-detectors" if config["mixed_detectors"] else ""


wildcard_constraints:
    sample=one_of(OF.samples),
    family=one_of(FAMILIES),
    level=one_of(LEVELS),
    step=one_of(OF.steps),
    method=one_of([*OF.classical, *OF.networks]),
    model=one_of(config["models"]),
    trial=one_of(t.trial for t in OF.trials),
    patches=one_of(config["patches"]),
    features=one_of(FILES.patch_names()),
