"""The job script for justIN: its text, and what it does with a command that hands out files of this machine."""

import re
import shlex
import shutil
import subprocess

import pytest

from helpers import DATA, job_environment
from protodune import cli

OPTIONS = ["--precision", "float32", "--noisy-above", "3", "--tries", "2"]


def written(folder, *options, code=0, behind=OPTIONS):
    assert cli.main(["justin", "--mql", "files from dune:a's where core.runs in (5387)", "--output", str(folder), *options]
                    + (["--", *behind] if behind else [])) == code  # fmt: skip
    return folder / "protodune.jobscript"


def job(script, workspace, files, **environment):
    """Run the script in an empty folder with a justin-get-file that hands out these files, one at each call."""
    tools = workspace.parent / "tools"
    tools.mkdir()
    (tools / "files").write_text("".join(f"dune:{path.name} {path} LOCAL\n" for path in files))
    handing = tools / "justin-get-file"
    handing.write_text(
        f'#!/bin/bash\n[ "$1 $2" = "--seconds-needed 7200" ] || exit 9\nhead -n 1 {tools}/files\nsed -i 1d {tools}/files\n'
    )
    handing.chmod(0o755)
    workspace.mkdir()
    given = job_environment() | {"JUSTIN_PATH": str(tools), "JUSTIN_WORKFLOW_ID": "12", "JUSTIN_STAGE_ID": "1"} | environment
    return subprocess.run(
        ["bash", script], cwd=workspace, env=given, capture_output=True, text=True, timeout=300, check=False
    )


def test_it_cleans_what_it_is_given_and_lists_what_was_cleaned(flat_file, tmp_path):
    bad = shutil.copy(DATA / "art_truncated.root", tmp_path)
    result = job(written(tmp_path / "jobs"), tmp_path / "work", [tmp_path / bad, flat_file])
    assert result.returncode == 0, result.stderr
    assert "protodune: 1 cleaned, 1 failed" in result.stdout
    assert {p.name for p in (tmp_path / "work").iterdir()} == {"small_w12s1_cleaned.root", "justin-processed-pfns.txt"}
    assert (tmp_path / "work" / "justin-processed-pfns.txt").read_text() == f"{flat_file}\n"


@pytest.mark.parametrize(
    ("files", "code", "message"), [((), 0, "0 cleaned, 0 failed"), (("art_truncated.root",), 1, "0 cleaned, 1 failed")]
)
def test_a_job_without_a_good_file_leaves_nothing(files, code, message, tmp_path):
    result = job(written(tmp_path / "jobs"), tmp_path / "work", [DATA / name for name in files])
    assert result.returncode == code
    assert message in result.stdout
    assert list((tmp_path / "work").iterdir()) == []


def test_a_job_without_protodune_says_so(tmp_path):
    result = job(written(tmp_path / "jobs"), tmp_path / "work", [], PATH="/usr/bin:/bin")
    assert result.returncode == 2
    assert "found no command protodune" in result.stderr
    result = subprocess.run(["bash", tmp_path / "jobs" / "protodune.jobscript"], capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert "expected a job of justIN" in result.stderr


def test_the_text_is_a_script_and_the_command_has_its_words(tmp_path):
    script = written(
        tmp_path / "jobs", "--setup", "source /cvmfs/env/activate", "--destination", "https://x/y", "--image", "img"
    )
    subprocess.run(["bash", "-n", script], check=True)
    if shutil.which("shellcheck"):
        subprocess.run(["shellcheck", "--exclude", "SC1091", script, tmp_path / "jobs" / "submit.sh"], check=True)
    text = script.read_text()
    assert "\nsource /cvmfs/env/activate\n" in text
    assert not re.search(r"[{}]{2}", text)
    words = shlex.split((tmp_path / "jobs" / "submit.sh").read_text().splitlines()[-1])
    assert words[:2] == ["justin", "simple-workflow"]
    options = dict(zip(words[2::2], words[3::2], strict=True))
    assert options["--mql"] == "files from dune:a's where core.runs in (5387)"
    assert options["--output-pattern"] == "*_cleaned.root:https://x/y"
    assert (options["--jobscript"], options["--image"], options["--lifetime-days"]) == ("protodune.jobscript", "img", "1")


@pytest.mark.parametrize(
    ("options", "behind", "message"),
    [
        ((), ["a.root"], "found a.root behind --, which the job script gives"),
        ((), ["--threads", "2"], "found --threads behind --"),
        (("--seconds-per-file", "90000"), OPTIONS, "no file would be given to a job"),
        (("--processors", "0"), OPTIONS, "--processors: found 0, expected 1 or more"),
        (("--setup", "a\nb"), OPTIONS, "--setup: found several lines"),
    ],
)
def test_what_cannot_be_is_one_line(options, behind, message, tmp_path, capsys):
    written(tmp_path / "jobs", *options, code=1, behind=behind)
    assert message in capsys.readouterr().err
    assert not (tmp_path / "jobs").exists()
