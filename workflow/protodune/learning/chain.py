"""Products of earlier steps of the chain, as a command line names them."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from protodune.core.errors import ProtoduneError
from protodune.events.products import Products


def open_inputs(paths: Mapping[str, str], stack: contextlib.ExitStack) -> dict[str, Products]:
    """Open the product files of earlier steps; ``stack`` closes them."""
    return {step: stack.enter_context(Products(path)) for step, path in paths.items()}


def parse_inputs(pairs: list[str]) -> dict[str, str]:
    """Read ``STEP=FILE`` of a command line."""
    found = {}
    for pair in pairs:
        step, equals, path = pair.partition("=")
        if not (step and equals and path):
            raise ProtoduneError(f"--inputs: found '{pair}', expected STEP=FILE, for instance denoise=results/products/x.h5")
        found[step] = path
    return found
