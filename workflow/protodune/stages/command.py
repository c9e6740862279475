"""What every stage's command line shares."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable

from protodune.core.errors import ProtoduneError
from protodune.core.settings import is_finite


def stage_parser(name: str, description: str) -> argparse.ArgumentParser:
    """Return a parser for ``python -m protodune.stages.NAME``."""
    return argparse.ArgumentParser(prog=f"protodune {name}", description=description)


def number(text: str) -> float:
    """Return a number of the command line, as the type of an option; it must be finite."""
    value = float(text)
    if not is_finite(value):
        raise argparse.ArgumentTypeError(f"found {text}, expected a finite number")
    return value


def run_stage(name: str, action: Callable[[], None]) -> int:
    """Run a stage; a ProtoduneError becomes one line on stderr and exit code 1, anything else is a bug and is raised."""
    logging.basicConfig(level=logging.INFO, format=f"{name}: %(message)s", stream=sys.stderr)
    try:
        action()
    except ProtoduneError as error:
        print(f"{name}: error: {error}", file=sys.stderr)
        return 1
    except MemoryError:
        print(f"{name}: error: out of memory; give the job more mem_mb or use smaller tiles", file=sys.stderr)
        return 1
    return 0
