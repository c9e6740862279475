"""Detectors by name: each is a module that is imported when it is asked for."""

from __future__ import annotations

from protodune.core.errors import ProtoduneError
from protodune.core.registry import load, names
from protodune.detector.model import Detector

PACKAGE = "protodune.detector.known"
DEFAULT = "protodune_sp"


def find_detector(name: str) -> Detector:
    """Return the detector of this name: one of ``protodune.detector.known``, or of a module of your own
    (``package.module``)."""
    found = load(PACKAGE, name, "DETECTOR", Detector, "detector")
    if found.name != name:  # files store the name, and must find the module by it
        raise ProtoduneError(f"detector '{name}': calls itself '{found.name}', expected name=\"{name}\"")
    return found


def detector_names() -> list[str]:
    """Names of the detectors that come with the package."""
    return names(PACKAGE)


def stored_detector(name: str, version: int, where: str, stage: str = "convert") -> Detector:
    """Return the detector that a file names, or say that the file is of another version of it; ``stage`` makes such
    files."""
    found = find_detector(name)
    if found.version != version:
        raise ProtoduneError(
            f"{where}: made for {name} version {version}, expected version {found.version}; run the stage '{stage}' again"
        )
    return found
