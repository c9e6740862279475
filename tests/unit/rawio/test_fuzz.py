"""Mutated files: a bounded part of benchmarks/fuzz_art.py in every test run."""

import importlib.util
import sys

import numpy as np
import pytest

from helpers import REPOSITORY
from protodune.rawio.baskets import EntryReader, inflate_blocks

PATH = REPOSITORY / "benchmarks" / "fuzz_art.py"


@pytest.fixture(scope="module")
def fuzz_art():
    spec = importlib.util.spec_from_file_location("fuzz_art", PATH)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # as dataclasses want it
    spec.loader.exec_module(module)
    return module


def test_mutated_files_are_read_or_refused(fuzz_art):
    results = fuzz_art.fuzz(first=0, count=1000, seconds=60)
    assert set(results) == {"same", "refused", "unseen"}
    assert min(results.values()) > 50


def test_good_files_are_read_after_damaged_ones(fuzz_art, tmp_path):
    """Mutation 50252 has branches of a version that uproot makes a class for, of the file's own wrong description."""
    seed = next(s for s in fuzz_art.make_seeds() if s.name == "partner")
    truth = fuzz_art.attempt(seed, seed.data, tmp_path)
    assert fuzz_art.attempt(seed, fuzz_art.mutate(seed, 50252), tmp_path) == "refused"
    assert fuzz_art.attempt(seed, seed.data, tmp_path) == truth


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("art_decoder_data", b"raw::RDTimeStamps_", b"raw::RDTimeXtamps_"),
        ("art_decoder_data", b"obj.fTimeStamp", b"obj.fTimeXtamp"),
        ("art_detsim_small", b"sim::SimChannels_", b"sim::SimChXnnels_"),
    ],
)
def test_a_product_is_not_lost_with_its_name(fuzz_art, tmp_path, file, old, new):
    """An event would be read without its time stamp or its charge, as if the file had none."""
    seed = next(s for s in fuzz_art.make_seeds() if s.name == file)
    data, begin, end = bytearray(seed.data), *seed.trees[-1][:2]
    plain = inflate_blocks(np.frombuffer(seed.data[begin:end], np.uint8), seed.trees[-1][2]).tobytes()
    assert old in plain
    assert fuzz_art.put_record(data, begin, end, plain.replace(old, new))
    assert fuzz_art.attempt(seed, bytes(data), tmp_path) == "refused"


def test_art_flat_dumps_partners_and_frames_are_damaged(fuzz_art):
    seeds = fuzz_art.make_seeds()
    assert {s.name for s in seeds} == {*fuzz_art.ART, "partner", "flat", "dump", "felix"}
    for seed in seeds:
        assert fuzz_art.mutate(seed, 5) == fuzz_art.mutate(seed, 5) != seed.data


def test_a_wrong_number_is_found(fuzz_art, tmp_path, monkeypatch):
    """A reader that does not compare keys with tables takes a basket for another, and the fuzzer says so."""
    seed = next(s for s in fuzz_art.make_seeds() if s.name == "art_split1_2022")
    truth = fuzz_art.attempt(seed, seed.data, tmp_path)
    first, second = (basket for basket in seed.baskets if basket[1] - basket[0] in (11380, 11384))  # digits of two events
    data = bytearray(seed.data)
    data[second[0] : second[0] + 11380] = data[slice(*first)]
    monkeypatch.setattr(fuzz_art, "mutate", lambda seed, number: bytes(data))
    assert fuzz_art.judge(seed, 0, truth, tmp_path) == "refused"
    monkeypatch.setattr(EntryReader, "_compare", lambda self, key, number: None)
    assert fuzz_art.judge(seed, 0, truth, tmp_path) == "wrong"
