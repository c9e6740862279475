"""The art reader against files that CERN ROOT wrote, with their truth, and against uproot's own slow path."""

import numpy as np
import pytest
import uproot

from helpers import DATA
from protodune.errors import ProtoduneError
from protodune.rawio.art import decode_adc, decode_event_id, decode_sim_channels
from protodune.rawio.source import open_raw


def truth_of(name):
    return np.load(DATA / f"{name}.npz")


@pytest.mark.parametrize("name", ["art_detsim_small", "art_decoder_data"])
def test_every_digit_equals_the_truth(name):
    source, truth = open_raw(str(DATA / f"{name}.root")), truth_of(name)
    assert source.event_ids() == [tuple(row) for row in truth["event_ids"].tolist()]
    for index in range(len(source)):
        event = source.read(index)
        order = np.argsort(truth[f"channel_{index}"])
        assert np.array_equal(event.channel, truth[f"channel_{index}"][order])
        assert np.array_equal(event.pedestal, truth[f"pedestal_{index}"][order])
        lengths = truth[f"adclen_{index}"].astype(int)
        waveforms = np.split(truth[f"adc_{index}"], np.cumsum(lengths)[:-1])
        for row, position in enumerate(order):
            expected = waveforms[position]
            assert event.n_samples[row] == len(expected)
            assert np.array_equal(event.adc[row, : len(expected)], expected)
            assert np.all(event.adc[row, len(expected) :] == expected[-1])


@pytest.mark.parametrize("name", ["art_detsim_small", "art_decoder_data"])
def test_every_digit_equals_uproots_slow_path(name):
    path = str(DATA / f"{name}.root")
    source = open_raw(path)
    stem = source.about["digits"]
    with uproot.open(path) as file:
        tree = file["Events"]
        waveforms = tree[f"{stem}/{stem}obj/{stem}obj.fADC"].array()
        channels = tree[f"{stem}/{stem}obj/{stem}obj.fChannel"].array()
    for index in range(len(source)):
        event = source.read(index)
        slow = {int(c): np.asarray(w) for c, w in zip(channels[index], waveforms[index], strict=True)}
        for row, channel in enumerate(event.channel):
            assert np.array_equal(event.adc[row, : event.n_samples[row]], slow[int(channel)])


def test_charge_is_the_sum_of_electrons_by_channel_and_tick():
    source, truth = open_raw(str(DATA / "art_detsim_small.root")), truth_of("art_detsim_small")["sim"]
    for index in range(len(source)):
        charge = source.read(index).charge
        expected: dict = {}
        for row in truth[truth["event"] == index]:
            key = (int(row["channel"]), int(row["tdc"]))
            expected[key] = expected.get(key, 0.0) + float(row["numElectrons"])
        found = dict(zip(zip(charge.channel.tolist(), charge.tick.tolist(), strict=True), charge.electrons, strict=True))
        assert set(expected) <= set(found)
        assert all(found[k] == pytest.approx(expected.get(k, 0.0), rel=1e-5) for k in found)


def test_two_candidates_need_a_tag():
    path = str(DATA / "art_zs_huffman.root")
    with pytest.raises(ProtoduneError, match=r"found several products: .*daq__DetSim, .*daqzs__DetSim.*set 'tag'"):
        open_raw(path)
    with pytest.raises(ProtoduneError, match="tag 'dak' matches none of"):
        open_raw(path, "dak")
    assert open_raw(path, "daqzs").about["digits"] == "raw::RawDigits_daqzs__DetSim."
    with pytest.raises(ProtoduneError, match="found compressed digits"):
        open_raw(path, "daqzs").read(0)


def test_a_damaged_payload_names_entry_and_branch():
    source = open_raw(str(DATA / "art_badpayload.root"))
    source.read(0)
    with pytest.raises(ProtoduneError, match=r"entry 1: branch .*fADC cannot be read .*the file is damaged"):
        source.read(1)


def test_a_truncated_file_is_refused():
    with pytest.raises(ProtoduneError, match="not a readable ROOT file"):
        open_raw(str(DATA / "art_truncated.root"))


def as_bytes(*parts):
    return np.frombuffer(b"".join(np.asarray(v, dtype=k).tobytes() for k, v in parts), dtype=np.uint8)


def test_counts_are_checked_against_the_bytes_that_are_left():
    header = (">u2", [0, 0, 0])
    with pytest.raises(ProtoduneError, match="claims 4000000000 samples"):
        decode_adc(as_bytes(header, (">u4", 2), (">i2", [1, 2]), (">u4", 4_000_000_000), (">i2", [1])), "here")
    with pytest.raises(ProtoduneError, match="claims 65537 ticks"):
        decode_sim_channels(as_bytes((">u2", [0] * 6), (">u4", 65537), (">u2", [1])), np.array([3], np.uint32), "here")
    with pytest.raises(ProtoduneError, match="the file is damaged"):
        decode_event_id(as_bytes((">u2", [0])), "here")


def test_digits_of_no_or_unequal_length():
    header = (">u2", [0, 0, 0])
    assert decode_adc(as_bytes(header), "here").shape == (0, 0)
    found = decode_adc(as_bytes(header, (">u4", 1), (">i2", [-5]), (">u4", 0), (">u4", 2), (">i2", [7, 8])), "here")
    assert [w.tolist() for w in found] == [[-5], [], [7, 8]]
