"""A job script for justIN, DUNE's workflow system, that cleans each file which it is given, and the command that submits it.

Options of ``protodune clean`` stand behind ``--``.
"""

from __future__ import annotations

import argparse
import logging
import shlex
from pathlib import Path

import protodune
from protodune.core.errors import ProtoduneError
from protodune.core.files import atomic_path
from protodune.stages.command import run_stage, stage_parser
from protodune.stages.produce import clean

SCRIPT, SUBMIT = "protodune.jobscript", "submit.sh"
_OF_THE_SCRIPT = ("--output", "--threads", "--list", "--scratch")

log = logging.getLogger(__name__)

_JOB = """\
#!/bin/bash
# Job script for justIN, written by protodune {version}: cleans the files that justIN gives it, one after the other.
# Exit codes: 0 if a file was cleaned or none was left, 1 if all failed, 2 if the job has no justIN or no protodune.
set -u
workspace=$PWD
if [ ! -x "${{JUSTIN_PATH:-}}/justin-get-file" ]; then
    echo "protodune: found no justin-get-file in JUSTIN_PATH, expected a job of justIN" >&2
    exit 2
fi
{setup}
if ! command -v protodune > /dev/null; then
    echo "protodune: found no command protodune, expected it by --setup or in the image" >&2
    exit 2
fi
cleaned=0 failed=0
while :; do
    answer=$("$JUSTIN_PATH/justin-get-file" --seconds-needed {seconds})
    [ -n "$answer" ] || break
    read -r did pfn rse <<< "$answer"
    echo "protodune: $did from $rse: $pfn"
    folder=$(mktemp -d "$workspace/cleaning.XXXXXX") || exit 2
    if protodune clean --output "$folder" --threads "${{JUSTIN_PROCESSORS:-{processors}}}" --scratch "$folder" \\
        {options}-- "$pfn"; then
        for made in "$folder"/*.root; do
            name=$(basename "$made" .root)
            # Only what is whole stands in the workspace, from where justIN takes it.
            mv "$made" "$workspace/${{name}}_w${{JUSTIN_WORKFLOW_ID:-0}}s${{JUSTIN_STAGE_ID:-0}}_cleaned.root" || exit 2
        done
        echo "$pfn" >> "$workspace/justin-processed-pfns.txt"
        cleaned=$((cleaned + 1))
    else
        failed=$((failed + 1))
    fi
    rm -rf "$folder"
done
echo "protodune: $cleaned cleaned, $failed failed"
[ "$cleaned" -gt 0 ] || [ "$failed" -eq 0 ]
"""


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("justin", __doc__)
    p.add_argument("--mql", required=True, help="the files, as a query in the language of MetaCat")
    p.add_argument("--output", required=True, metavar="DIR", help=f"folder for {SCRIPT} and {SUBMIT}")
    p.add_argument("--setup", default="", help="shell command that brings protodune onto PATH of the job, e.g. from /cvmfs")
    p.add_argument("--image", help="Apptainer image of the job, as justIN names it (default: that of justIN)")
    p.add_argument("--description", default="protodune clean", help="of the workflow (default: %(default)s)")
    p.add_argument("--scope", default="usertests", help="scope of the outputs in Rucio (default: %(default)s)")
    p.add_argument("--destination", help="of the outputs: name of a dataset, or https:// address of a folder")
    p.add_argument("--lifetime-days", type=int, default=1, help="of outputs in Rucio (default: %(default)s)")
    p.add_argument("--wall-seconds", type=int, default=80000, help="longest time of a job (default: %(default)s)")
    p.add_argument("--seconds-per-file", type=int, default=7200, help="longest time of a file (default: %(default)s)")
    p.add_argument("--rss-mib", type=int, default=4000, help="memory of a job (default: %(default)s)")
    p.add_argument("--processors", type=int, default=1, help="cores of a job (default: %(default)s)")
    p.add_argument("--max-distance", type=int, default=30, help="0 to 100: how far files may be away (default: %(default)s)")
    p.add_argument("options", nargs="*", help="behind --: options of protodune clean, with paths as the job sees them")
    return p


def run(a: argparse.Namespace) -> None:
    """Write the job script and the command."""
    for name, least in {"lifetime_days": 1, "wall_seconds": 1, "seconds_per_file": 1, "rss_mib": 1, "processors": 1}.items():
        if getattr(a, name) < least:
            raise ProtoduneError(f"--{name.replace('_', '-')}: found {getattr(a, name)}, expected {least} or more")
    if a.seconds_per_file > a.wall_seconds:
        raise ProtoduneError(
            f"--seconds-per-file: found {a.seconds_per_file}, more than --wall-seconds {a.wall_seconds}; "
            "no file would be given to a job"
        )
    for name in ("mql", "setup", "description", "destination", "scope"):
        if "\n" in (getattr(a, name) or ""):
            raise ProtoduneError(f"--{name}: found several lines, expected one")
    folder = Path(a.output)
    _write(folder / SCRIPT, job_script(a))
    _write(
        folder / SUBMIT,
        f"#!/bin/sh\n# In the folder of {SCRIPT}, where `justin time` answers.\n{shlex.join(submission(a))}\n",
    )
    log.info("%s written; submit with %s", folder / SCRIPT, folder / SUBMIT)


def job_script(a: argparse.Namespace) -> str:
    """Return the job script as text; options that ``protodune clean`` does not know, or the script gives, are refused."""
    given = clean.parser().parse_args([*a.options, "--output", "out"])
    taken = [o for o in a.options if o.split("=")[0] in _OF_THE_SCRIPT]
    if given.file or taken:
        raise ProtoduneError(f"found {' '.join(taken or given.file)} behind --, which the job script gives; leave it out")
    return _JOB.format(
        version=protodune.__version__,
        setup=a.setup or ": # nothing to set up",
        seconds=a.seconds_per_file,
        processors=a.processors,
        options=f"{shlex.join(a.options)} " if a.options else "",
    )


def submission(a: argparse.Namespace) -> list[str]:
    """Return the words of the command that submits the job script."""
    options = {
        "--description": a.description, "--mql": a.mql, "--jobscript": SCRIPT, "--scope": a.scope,
        "--wall-seconds": a.wall_seconds, "--rss-mib": a.rss_mib, "--processors": a.processors,
        "--max-distance": a.max_distance, "--lifetime-days": a.lifetime_days, "--image": a.image,
        "--output-pattern": "*_cleaned.root" + (f":{a.destination}" if a.destination else ""),
    }  # fmt: skip
    words = [word for option, value in options.items() if value is not None for word in (option, str(value))]
    return ["justin", "simple-workflow", *words]


def _write(path: Path, text: str) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
        temporary.chmod(0o755)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("justin", lambda: run(a))


if __name__ == "__main__":
    raise SystemExit(main())
