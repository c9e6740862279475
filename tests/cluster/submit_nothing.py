"""Snakemake with the real bindings of HTCondor but for the scheduler: what would be submitted goes to a file, a description
per line as JSON, and the run ends.  Usage: python submit_nothing.py FILE SNAKEMAKE_ARGUMENTS..."""

import json
import sys
from pathlib import Path

import htcondor2
from snakemake.cli import main

WRITTEN = Path(sys.argv[1])


class NoPool:
    """In place of ``htcondor2.Schedd``: keeps what it is given and refuses it."""

    def submit(self, description, *_, **__):
        with WRITTEN.open("a") as file:
            file.write(json.dumps({key: description[key] for key in description}) + "\n")
        raise RuntimeError("there is no pool")


htcondor2.Schedd = NoPool
htcondor2.Submit.issue_credentials = lambda self: None
main(sys.argv[2:])
