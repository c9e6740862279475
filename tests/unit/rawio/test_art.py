"""The art reader against files that CERN ROOT wrote, with their truth, and against uproot's own slow path."""

import awkward as ak
import numpy as np
import pytest
import uproot

from helpers import DATA
from protodune.core.errors import ProtoduneError
from protodune.rawio.art import ID_MEMBERS, EventIds
from protodune.rawio.art_bytes import decode_adc, decode_digits, decode_event_id, decode_sim_channels
from protodune.rawio.baskets import EntryReader
from protodune.rawio.source import open_raw


def truth_of(name):
    return np.load(DATA / f"{name}.npz")


FLAVOURS = {"art_detsim_small": 99, "art_decoder_data": 99, "art_split1_2022": 1, "art_nosplit": 0}


@pytest.mark.parametrize("name", FLAVOURS)
def test_every_digit_equals_the_truth(name):
    source, truth = open_raw(str(DATA / f"{name}.root")), truth_of(name)
    assert source.flavour == f"art, split {FLAVOURS[name]}"
    assert [source.event_id(i) for i in range(len(source))] == [tuple(row) for row in truth["event_ids"].tolist()]
    for index in range(len(source)):
        event = source.read(index)
        order = np.argsort(truth[f"channel_{index}"])
        assert np.array_equal(event.channel, truth[f"channel_{index}"][order])
        assert np.array_equal(event.pedestal, truth[f"pedestal_{index}"][order])
        lengths = truth[f"adclen_{index}"].astype(int)
        waveforms = np.split(truth[f"adc_{index}"], np.cumsum(lengths)[:-1])
        for row, position in enumerate(order):
            expected = waveforms[position]
            assert event.n_ticks[row] == len(expected)
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
            assert np.array_equal(event.adc[row, : event.n_ticks[row]], slow[int(channel)])


@pytest.mark.parametrize("name", ["art_detsim_small", "art_split1_2022", "art_nosplit"])
def test_charge_is_the_sum_of_electrons_with_the_largest_track(name):
    source, truth = open_raw(str(DATA / f"{name}.root")), truth_of(name)["sim"]
    for index in range(len(source)):
        charge = source.read(index).charge
        expected: dict = {}
        for row in truth[truth["event"] == index]:
            parts = expected.setdefault((int(row["channel"]), int(row["tdc"])), [])
            parts.append((float(row["numElectrons"]), int(row["trackID"])))
        found = {(c, t): row for row, (c, t) in enumerate(zip(charge.channel.tolist(), charge.tick.tolist(), strict=True))}
        assert set(found) == set(expected), "no row where the file has no electrons"
        for key, row in found.items():
            parts = expected[key]
            assert charge.electrons[row] == pytest.approx(sum(e for e, _ in parts), rel=1e-5)
            assert charge.track[row] == max(parts)[1]


def test_the_time_stamp_of_data():
    source, truth = open_raw(str(DATA / "art_decoder_data.root")), truth_of("art_decoder_data")
    assert source.read(0).timestamp == int(truth["ts"][0])
    assert source.read(1).timestamp == int(truth["ts"][63])


@pytest.mark.parametrize("number", range(5))
def test_every_codec_in_a_file_gives_what_larsoft_gives(number):
    truth = truth_of("art_zs_huffman")
    name = str(truth["branches"][number])
    source = open_raw(str(DATA / "art_zs_huffman.root"), name.removeprefix("raw::RawDigits_").split("_")[0])
    for index in range(len(source)):
        event = source.read(index)
        order = np.argsort(truth[f"channel_{index}"])
        assert np.array_equal(event.adc, truth[f"uncomp{number}_{index}"].reshape(len(order), -1)[order])


class SplitBranch:
    """What uproot shows of a branch with members of its own (uproot cannot write one): the branches of a flat tree."""

    name = "EventAuxiliary"

    def __init__(self, tree):
        self.branches = tree.branches

    def itervalues(self, recursive):
        return iter(self.branches)


def tree_of(path, **columns):
    with uproot.recreate(path) as file:
        file.mktree("Events", {name: "var * uint8" if v.dtype == object else v.dtype for name, v in columns.items()})
        file["Events"].extend({n: ak.Array(list(v)) if v.dtype == object else v for n, v in columns.items()})
    return uproot.open(path)["Events"]


def test_event_auxiliary_split_into_its_members(tmp_path):
    columns = dict(zip(ID_MEMBERS, np.array([[5843, 5843], [1, 2], [7, 4_000_000_000]], np.uint32), strict=True))
    tree = tree_of(tmp_path / "a.root", **columns, time_=np.zeros(2, np.uint64))
    ids = EventIds(SplitBranch(tree), 2)
    assert [ids.of(i, "here") for i in range(2)] == [(5843, 1, 7), (5843, 2, 4_000_000_000)]
    del columns[ID_MEMBERS[1]]
    with pytest.raises(
        ProtoduneError, match=r"EventAuxiliary is split, but has no branch id_\.subRun_\.subRun_; unknown layout"
    ):
        EventIds(SplitBranch(tree_of(tmp_path / "b.root", **columns)), 2)


def rewritten(path, name, extra):
    """A file with the bytes of the digits and the ids of an unsplit art file, and further entries at its end."""
    source = open_raw(str(DATA / f"{name}.root"))
    product, ids = source.about["digits"], uproot.open(DATA / f"{name}.root")["Events/EventAuxiliary"]
    auxiliary, n = EntryReader(ids, len(source)), len(source)
    entries = [source._digits.bytes(i) for i in range(n)] + [d for d, _ in extra]
    events = [auxiliary.entry(i) for i in range(n)] + [auxiliary.entry(i) for _, i in extra]
    as_objects = {product: np.empty(len(entries), object), "EventAuxiliary": np.empty(len(entries), object)}
    as_objects[product][:], as_objects["EventAuxiliary"][:] = entries, events
    tree_of(path, **as_objects)
    return open_raw(str(path))


def test_an_unsplit_event_without_digits_is_an_event(tmp_path):
    """ROOT writes nothing behind the number of digits then."""
    source = rewritten(tmp_path / "a.root", "art_nosplit", [(as_bytes(*WRAPPER, *VECTOR, (">u4", 0)), 0)])
    assert len(source) == 4
    assert source.read(2).adc.shape[0] > 0
    empty = source.read(3)
    assert empty.adc.size == 0
    assert empty.event_id == source.read(0).event_id


def test_two_candidates_need_a_tag():
    path = str(DATA / "art_zs_huffman.root")
    with pytest.raises(ProtoduneError, match=r"found several products: .*daq__DetSim, .*daqzs__DetSim.*set 'tag'"):
        open_raw(path)
    with pytest.raises(ProtoduneError, match="tag 'dak' matches none of"):
        open_raw(path, "dak")
    assert open_raw(path, "daqzs").about["digits"] == "raw::RawDigits_daqzs__DetSim."


def test_a_damaged_payload_names_entry_and_branch():
    source = open_raw(str(DATA / "art_badpayload.root"))
    source.read(0)
    with pytest.raises(ProtoduneError, match=r"tree Events, entry 1: branch .*cannot be read .*the file is damaged"):
        source.read(1)


def test_a_truncated_file_is_refused():
    with pytest.raises(ProtoduneError, match="not a readable ROOT file"):
        open_raw(str(DATA / "art_truncated.root"))


def as_bytes(*parts):
    return np.frombuffer(b"".join(np.asarray(v, dtype=k).tobytes() for k, v in parts), dtype=np.uint8)


def adc_entry(*parts):
    """A fADC entry: byte count, version, waveforms."""
    body = as_bytes((">u2", 9), *parts)
    return np.concatenate([as_bytes((">u4", 0x40000000 | len(body))), body])


HEADER = ((">u4", 0x40000010), (">u2", 9))


def test_counts_are_checked_against_the_bytes_that_are_left():
    with pytest.raises(ProtoduneError, match="waveform 1 of 4000000000 samples needs 8000000000 bytes"):
        decode_adc(adc_entry((">u4", 2), (">i2", [1, 2]), (">u4", 4_000_000_000), (">i2", [1])), "here")
    with pytest.raises(ProtoduneError, match="fADC claims 8 bytes, 6 are left; the file is damaged"):
        decode_adc(adc_entry((">u4", 1), (">i2", [1]))[:-2], "here")
    head = ((">u4", 0x40000010), (">u2", [0x4009, 0]), (">u4", 1))
    with pytest.raises(ProtoduneError, match="channel 3: 65537 ticks needs 131074 bytes"):
        decode_sim_channels(as_bytes(*head, (">u4", 65537), (">u2", [1])), "here", np.array([3], np.uint32))
    vector = ((">u4", 0x40000010), (">u2", [0x4009, 15]), (">u4", 2**31))
    with pytest.raises(ProtoduneError, match="claims 2147483648 digits"):
        decode_digits(as_bytes(*vector, *HEADER, (">u4", 1), (">i2", [1])), "here")
    vector = ((">u4", 0x40000010), (">u2", [0x4009, 15]), (">u4", 0))
    with pytest.raises(ProtoduneError, match="26 bytes behind a vector of no digits; the file is damaged"):
        decode_digits(as_bytes(*vector, *HEADER, (">u4", [0] * 5)), "here")
    with pytest.raises(ProtoduneError, match="the file is damaged"):
        decode_event_id(as_bytes((">u2", [0])), "here")


def test_digits_of_no_or_unequal_length():
    assert decode_adc(adc_entry(), "here").shape == (0, 0)
    found = decode_adc(adc_entry((">u4", 1), (">i2", [-5]), (">u4", 0), (">u4", 2), (">i2", [7, 8])), "here")
    assert [w.tolist() for w in found] == [[-5], [], [7, 8]]


WRAPPER = ((">u4", 0x40000002), (">u2", 10), (">u1", 1), (">u4", 0xFFFFFFFF))
VECTOR = ((">u4", 0x40000010), (">u2", [0x4009, 15]))
PAIR = ((">u4", 0x40000010), (">u2", [0x4009, 0]), (">u4", 0x3B94172A))
IDES = ((">u4", 0x40000010), (">u2", [0x4009, 11]))


def test_products_that_are_absent_or_empty():
    wrapper = ((">u4", 0x40000002), (">u2", 10))
    absent = as_bytes(*wrapper, (">u1", 0), (">u4", 0xFFFFFFFF))
    assert len(decode_digits(absent, "here", wrapped=True).channel) == 0
    assert len(decode_sim_channels(absent, "here", wrapped=True).tick) == 0
    empty = as_bytes(*wrapper, (">u1", 1), (">u4", 0xFFFFFFFF), *VECTOR, (">u4", 0))
    assert len(decode_digits(empty, "here", wrapped=True).channel) == 0
    assert len(decode_digits(as_bytes(*VECTOR, (">u4", 0)), "here").channel) == 0
    assert len(decode_sim_channels(as_bytes(*VECTOR, (">u4", 0)), "here").tick) == 0


@pytest.mark.parametrize(("samples", "size"), [(">u8", 15), (">u2", 14)])
def test_an_unsplit_vector_of_either_class_version(samples, size):
    digits = as_bytes(
        (">u4", 0x40000010), (">u2", [0x4009, size]), (">u4", 2), *HEADER,
        (">u4", 2), (">i2", [7, -8]), (">u4", 1), (">i2", [9]),
        (">u4", [11, 10]), (samples, [2, 1]), (">f4", [900.5, 800]), (">f4", [2, 2]), (">i4", [0, 1]),
    )  # fmt: skip
    found = decode_digits(digits, "here")
    assert [w.tolist() for w in found.waveforms] == [[7, -8], [9]]
    assert (found.channel.tolist(), found.samples.tolist(), found.compression.tolist()) == ([11, 10], [2, 1], [0, 1])
    assert found.pedestal.tolist() == [900.5, 800]
    with pytest.raises(ProtoduneError, match=r"bytes for the members of 2 digits .* expected 24 or 18 each"):
        decode_digits(digits[:-4], "here")


def test_channels_without_ticks_and_ticks_without_electrons():
    data = as_bytes(
        *PAIR,
        (">u4", 0),  # the first channel has no tick
        (">u4", 2), (">u2", [30, 31]), *IDES,
        (">u4", 0),  # tick 30 has no electrons
        (">u4", 2), (">i4", [5, 6]), (">f4", [100.0, 300.0]), (">f4", [0.0] * 8),
    )  # fmt: skip
    found = decode_sim_channels(data, "here", np.array([1, 2], np.uint32))
    assert found.channel.tolist() == [2]
    assert found.tick.tolist() == [31]
    assert found.electrons.tolist() == [400.0]
    assert found.track.tolist() == [6]
    with pytest.raises(ProtoduneError, match="4 bytes behind the last of the IDEs"):
        decode_sim_channels(as_bytes((">u1", data), (">u4", 0)), "here", np.array([1, 2], np.uint32))
    with pytest.raises(ProtoduneError, match="claims 2 IDEs beyond the end"):
        decode_sim_channels(data[:-4], "here", np.array([1, 2], np.uint32))
