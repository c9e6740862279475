import copy

import pytest
import yaml

from helpers import REPOSITORY


@pytest.fixture
def config():
    return copy.deepcopy(yaml.safe_load((REPOSITORY / "config" / "config.yaml").read_text()))
