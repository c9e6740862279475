import contextlib
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from helpers import DATA
from protodune.core.errors import ProtoduneError
from protodune.rawio import codecs

TRUTH = np.load(DATA / "art_zs_huffman.npz")
smooth = arrays(np.int16, st.integers(1, 200), elements=st.integers(-12, 12)).map(lambda d: np.cumsum(d).astype(np.int16))
wild = arrays(np.int16, st.integers(1, 200), elements=st.integers(-16000, 16000))
waveforms = st.one_of(smooth, wild)


def words(number, event):
    lengths = TRUTH[f"complen{number}_{event}"].astype(int)
    return np.split(TRUTH[f"comp{number}_{event}"], np.cumsum(lengths)[:-1])


@pytest.mark.parametrize("number", range(5))
def test_larsofts_own_words(number):
    """Branches packed by LArSoft's raw.cxx, unpacked by its raw::Uncompress with the digits' pedestals."""
    for event in range(3):
        packed = words(number, event)
        expected = TRUTH[f"uncomp{number}_{event}"].reshape(len(packed), -1)
        codec = np.full(len(packed), int(TRUTH["codes"][number]))
        found = codecs.decode_event(packed, codec, np.full(len(packed), 600), "here", TRUTH[f"ped{number}_{event}"])
        assert np.array_equal(np.stack(found), expected)


@pytest.mark.parametrize(("number", "encode"), [(0, codecs.encode_huffman), (3, codecs.encode_fibonacci)])
def test_encoders_write_larsofts_words(number, encode):
    for samples, expected in zip(TRUTH["adc_0"].reshape(24, 600), words(number, 0), strict=True):
        assert np.array_equal(encode(samples), expected)


def test_huffman_golden_vectors():
    for case in json.loads((DATA / "huffman_golden.json").read_text()):
        packed = np.array(case["huffman"], np.uint16).view(np.int16)
        assert np.array_equal(codecs.encode_huffman(case["adc"]), packed)
        assert codecs.decode(packed, codecs.HUFFMAN, len(case["adc"]), "here").tolist() == case["adc"]


@settings(max_examples=300, deadline=None)
@given(waveforms)
def test_huffman_round_trip(samples):
    assert np.array_equal(codecs.decode(codecs.encode_huffman(samples), codecs.HUFFMAN, len(samples), "here"), samples)


@settings(max_examples=300, deadline=None)
@given(waveforms)
def test_fibonacci_round_trip(samples):
    assert np.array_equal(codecs.decode(codecs.encode_fibonacci(samples), codecs.FIBONACCI, len(samples), "here"), samples)


@settings(max_examples=300, deadline=None)
@given(smooth, st.integers(-500, 500), st.booleans())
def test_zero_suppression_keeps_what_is_above(samples, pedestal, huffman):
    if huffman:
        packed, codec = codecs.encode_zero_huffman(samples), codecs.ZERO_HUFFMAN
    else:
        packed, codec = codecs.encode_zero_suppression(samples), codecs.ZERO_SUPPRESSION
    found = codecs.decode(packed, codec, len(samples), "here", pedestal)
    above = np.abs(samples.astype(int)) > 5
    assert np.array_equal(found[above], samples[above])
    assert np.all((found == samples) | (found == pedestal))


@settings(max_examples=300, deadline=None)
@given(arrays(np.int16, st.integers(0, 60)), st.sampled_from([1, 2, 3, 5]), st.integers(0, 3000))
def test_random_words_are_samples_or_an_error(packed, codec, n_ticks):
    with contextlib.suppress(ProtoduneError):
        assert len(codecs.decode(packed, codec, n_ticks, "here")) == n_ticks


def test_mixed_codecs_in_one_event():
    samples = np.array([5, 5, 6, 40, 41, 41], np.int16)
    packed = [samples, codecs.encode_huffman(samples), codecs.encode_fibonacci(samples), np.zeros(0, np.int16)]
    found = codecs.decode_event(packed, np.array([0, 1, 5, 1]), np.array([6, 6, 6, 0]), "here")
    assert [f.tolist() for f in found] == [samples.tolist()] * 3 + [[]]


@pytest.mark.parametrize(
    ("packed", "codec", "n", "message"),
    [
        ([1, 2], codecs.DYNAMIC, 2, "compression kDynamicDec"),
        ([1, 2], 9, 2, "compression number 9"),
        ([900, 901], codecs.HUFFMAN, 3, "unpacks to 2 values, fSamples says 3"),
        ([900, -32767], codecs.HUFFMAN, 3, "holds no code"),
        ([10, 1, 8, 5, 1, 2, 3, 4, 5], codecs.ZERO_SUPPRESSION, 10, "reach beyond 10 values"),
        ([10, 500], codecs.ZERO_SUPPRESSION, 10, "in 500 blocks"),
        ([0, 5, 1], codecs.FIBONACCI, 5, "holds 0 of 4 differences"),
        ([900], codecs.HUFFMAN, 2**40, "claims 1099511627776 values"),
    ],
)
def test_damaged_words_are_named(packed, codec, n, message):
    with pytest.raises(ProtoduneError, match=message):
        codecs.decode(np.array(packed, np.int16), codec, n, "here")
