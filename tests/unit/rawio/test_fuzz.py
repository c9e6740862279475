"""Mutated files: a bounded part of benchmarks/fuzz_art.py in every test run."""

import importlib.util

import pytest

from helpers import REPOSITORY

PATH = REPOSITORY / "benchmarks" / "fuzz_art.py"


@pytest.fixture(scope="module")
def fuzz_art():
    spec = importlib.util.spec_from_file_location("fuzz_art", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_mutated_files_are_read_or_refused(fuzz_art):
    results = fuzz_art.fuzz(first=0, count=1500, seconds=60)
    assert set(results) == {"ok", "refused"}
    assert min(results.values()) > 50


def test_a_mutation_repeats_itself(fuzz_art):
    data = bytes(range(256)) * 20
    assert fuzz_art.mutate(data, 5) == fuzz_art.mutate(data, 5) != data
