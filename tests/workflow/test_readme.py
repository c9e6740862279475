"""Every command of the README runs: in a copy of the repository whose configuration is the small one of the tests."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import uproot
import yaml

from helpers import DATA, REPOSITORY, job_environment

README = (REPOSITORY / "README.md").read_text()
BLOCKS = [block.strip().splitlines() for block in re.findall(r"```bash\n(.*?)```", README, re.DOTALL)]
SET_UP, OWN_DATA, LOOK_AND_EXPORT, PAPER, CLUSTER = BLOCKS  # PAPER: test_paper.py
SKIPPED = shutil.ignore_patterns(".git", ".venv", "results", ".snakemake", "__pycache__", ".pytest_cache", ".ruff_cache")


def merge(base, over):
    return {k: merge(base[k], v) if isinstance(v, dict) and k in base else v for k, v in {**base, **over}.items()}


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A copy of the repository with the environment of this test run and the small configuration as its default."""
    folder = tmp_path_factory.mktemp("readme") / "protodune"
    shutil.copytree(REPOSITORY, folder, ignore=SKIPPED)
    (folder / ".venv").symlink_to(sys.prefix)
    config = folder / "config"
    small = merge(yaml.safe_load((config / "config.yaml").read_text()), yaml.safe_load((config / "test.yaml").read_text()))
    small |= {"samples": "config/samples.tsv", "trials": "config/trials.tsv"}
    (config / "config.yaml").write_text(yaml.safe_dump(small))
    for name in ("samples.tsv", "trials.tsv"):
        shutil.copy(config / "test" / name, config / name)
    shutil.copy(DATA / "art_detsim_small.root", folder.parent / "run.root")
    return folder


def shell(command, cwd):
    environment = {k: v for k, v in job_environment().items() if k not in ("PYTHONPATH", "MAKEFLAGS", "MAKELEVEL")}
    result = subprocess.run(
        ["bash", "-c", command], cwd=cwd, env=environment, capture_output=True, text=True, timeout=500, check=False
    )
    assert result.returncode == 0, f"{command}: {result.stdout[-3000:]}{result.stderr[-6000:]}"
    return result.stdout + result.stderr


@pytest.fixture(scope="module")
def demo(clone):
    """The copy after the README's first command."""
    shell(SET_UP[0], clone)
    return clone


@pytest.fixture(scope="module")
def own_data(demo):
    """The copy after the block on own data, and what its last command printed."""
    for command in OWN_DATA:
        output = shell(command.replace("/path/to/run5387.root", str(demo.parent / "run.root")), demo)
    return demo, output


def test_the_demo_runs_and_a_second_one_has_nothing_to_do(demo):
    assert SET_UP == ["make demo", "make test"]
    assert (demo / "results" / "report.html").stat().st_size > 100_000
    assert "Nothing to be done" in shell(SET_UP[0], demo)


def test_own_data_uses_the_shipped_networks(own_data):
    clone, output = own_data
    assert "train_model" not in output
    assert "art, split 99" in (clone / "results" / "checks" / "run5387.txt").read_text()
    assert (clone / "results" / "predictions/denoise/zoo.v1/collection/run5387.h5").exists()
    assert (clone / "results" / "figures" / "display.induction.run5387.png").exists()
    assert not (clone / "results" / "figures" / "waveforms.induction.run5387.png").exists(), "no truth"


def test_looking_into_a_file_and_the_way_back_to_root(own_data):
    clone, _ = own_data
    look, back = LOOK_AND_EXPORT
    assert "art, split 99" in shell(look.replace("/path/to/run5387.root", str(clone.parent / "run.root")), clone)
    shell(back, clone)
    with uproot.open(clone / "results" / "export" / "zoo.v1" / "run5387.root") as file:
        assert file["denoised"].num_entries == 72


def test_the_cluster_commands_plan(clone):
    for command in CLUSTER:
        plan = command if "--dry-run" in command else command + " --dry-run"
        output = shell(plan, clone)
    assert re.search(r"^train_model\s+3$", output, re.MULTILINE)


def test_continuous_integration_runs_the_test_command():
    assert SET_UP[1] in (REPOSITORY / ".ci" / "run").read_text().splitlines()


def test_links_lead_somewhere():
    for link in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (REPOSITORY / link).exists(), link


def test_set_up_without_python_3_11_or_a_compiler_is_one_sentence(tmp_path):
    setup = REPOSITORY / "envs" / "setup_env.py"
    environment = {k: v for k, v in os.environ.items() if k != "CXX"} | {"PATH": str(tmp_path)}
    result = subprocess.run(
        [sys.executable, str(setup), "--venv", str(tmp_path / "venv")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert result.stderr.strip() == (
        "setup: error: found no C++ compiler, which Horovod's build needs; install g++ (Debian, Ubuntu: apt install g++)"
    )
    assert not (tmp_path / "venv").exists()
    code = f"import sys; sys.version_info = (3, 9, 2); sys.argv = ['x', '--venv', {str(tmp_path / 'v')!r}]; "
    code += f"exec(compile(open({str(setup)!r}).read(), {str(setup)!r}, 'exec'))"
    run_old = [sys.executable, "-c", f"__file__ = {str(setup)!r}; __name__ = '__main__'; {code}"]
    result = subprocess.run(run_old, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr.startswith("setup: error: found Python 3.9.2, expected 3.11")
    assert not Path(tmp_path / "v").exists()
