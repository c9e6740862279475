"""Configurations for the tests of the plan, with sheets of their own, and what is wrong with them."""

import pytest

from protodune.core.errors import ProtoduneError
from protodune.dag.config_check import check_config

HEADER = "sample\tsplit\tkind\tsource\tseed\tevents\tunits\tsimulation\tpartner\ttag\tnote\n"


def problems(config):
    with pytest.raises(ProtoduneError) as caught:
        check_config(config)
    return str(caught.value)


def sheet(config, tmp_path, *lines, header=HEADER):
    path = tmp_path / "samples.tsv"
    path.write_text(header + "".join(line.replace("|", "\t") + "\n" for line in lines))
    config["samples"] = str(path)
    return config


def trials(config, tmp_path, *lines):
    path = tmp_path / "trials.tsv"
    path.write_text("trial\tstep\tmodel\tfamily\toverrides\tnote\n" + "".join(x.replace("|", "\t") + "\n" for x in lines))
    config["trials"] = str(path)
    return config
