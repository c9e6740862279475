from __future__ import annotations

import os

import numpy as np
import pytest

from helpers import TICKS, small_sample
from protodune.rawio.flat import write_flat
from protodune.simulation.events import simulate_events
from protodune.stages.produce import convert

# Workers of pytest share the cores: threads of their own would wait for each other.  Stages set theirs themselves.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def raw_event():
    """One simulated event: one unit, 512 ticks."""
    return next(simulate_events(small_sample()))


@pytest.fixture(scope="session")
def flat_file(raw_event, tmp_path_factory):
    """The event as a flat ROOT file."""
    path = tmp_path_factory.mktemp("flat") / "small.root"
    write_flat(path, [raw_event], TICKS, {"seed": 7})
    return path


@pytest.fixture(scope="session")
def store_file(flat_file, tmp_path_factory):
    """The event as an event store."""
    path = tmp_path_factory.mktemp("events") / "small.h5"
    convert.run(convert.ConvertSettings("small", "simulation"), str(flat_file), None, str(path))
    return path


@pytest.fixture
def rng():
    """A generator with a fixed seed."""
    return np.random.default_rng(12345)
