import numpy as np
import pytest
import uproot

from helpers import TICKS, small_sample
from protodune.core.errors import ProtoduneError
from protodune.rawio.digits import sorting_order, stack_digits
from protodune.rawio.flat import write_flat
from protodune.rawio.source import open_raw
from protodune.simulation.events import simulate_events


def test_what_is_written_is_read(raw_event, flat_file):
    found = open_raw(str(flat_file)).read(0)
    for name in ("channel", "adc", "pedestal", "clean", "n_ticks"):
        assert np.array_equal(getattr(found, name), getattr(raw_event, name)), name
    for name in ("channel", "tick", "electrons", "track"):
        assert np.array_equal(getattr(found.charge, name), getattr(raw_event.charge, name)), name


def test_events_keep_apart(tmp_path):
    events = list(simulate_events(small_sample(events=3, simulation={"ticks": 128})))
    write_flat(tmp_path / "a.root", iter(events), 128, {})
    source = open_raw(str(tmp_path / "a.root"))
    assert [source.event_id(i) for i in range(len(source))] == [(1, 0, 1), (1, 0, 2), (1, 0, 3)]
    for index, event in enumerate(events):
        assert np.array_equal(source.read(index).adc, event.adc)
        assert np.array_equal(source.read(index).charge.tick, event.charge.tick)


def test_settings_travel_in_the_file(flat_file):
    assert open_raw(str(flat_file)).about["seed"] == 7


def test_the_detector_travels_in_the_file(tmp_path, raw_event):
    write_flat(tmp_path / "a.root", [raw_event], TICKS, {"detector_version": 9})
    with pytest.raises(
        ProtoduneError, match="made for protodune_sp version 9, expected version 1; run the stage 'simulate'"
    ):
        open_raw(str(tmp_path / "a.root"))


def test_same_seed_same_bytes_of_data(raw_event):
    again = next(simulate_events(small_sample()))
    assert np.array_equal(again.adc, raw_event.adc)
    assert not np.array_equal(next(simulate_events(small_sample(seed=8))).adc, raw_event.adc)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "found an empty file"),
        (b"HDF5 or so", "starts with b'HDF5'"),
        (b"root" + b"\0" * 200, "found nothing, expected a TTree"),
    ],
)
def test_what_is_no_root_file_is_refused(tmp_path, content, message):
    path = tmp_path / "a.root"
    path.write_bytes(content)
    with pytest.raises(ProtoduneError, match=message):
        open_raw(str(path))


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(ProtoduneError, match="no such file"):
        open_raw(str(tmp_path / "a.root"))
    with pytest.raises(ProtoduneError, match="found a folder"):
        open_raw(str(tmp_path))


def write_tree(path, name):
    with uproot.recreate(path) as file:
        file.mktree(name, {"x": "i4"})
        file[name].extend({"x": np.arange(3, dtype=np.int32)})
    return str(path)


def test_trees_without_digits_are_refused(tmp_path):
    with pytest.raises(ProtoduneError, match=r"found hits \(TTree\), expected a TTree 'Events'"):
        open_raw(write_tree(tmp_path / "hits.root", "hits"))
    with pytest.raises(ProtoduneError, match=r"tree Events has no branch raw::RawDigits_"):
        open_raw(write_tree(tmp_path / "events.root", "Events"))


def test_digits_are_sorted_and_filled():
    order = sorting_order(np.array([5, 2]), "here")
    adc, lengths = stack_digits([np.array([1, 2, 3], np.int16), np.array([9], np.int16)], order)
    assert adc.tolist() == [[9, 9, 9], [1, 2, 3]]
    assert lengths.tolist() == [1, 3]
    adc, lengths = stack_digits(np.array([[1, 2], [3, 4]], ">i2"), order)
    assert adc.tolist() == [[3, 4], [1, 2]]
    assert adc.dtype == np.int16
    with pytest.raises(ProtoduneError, match="channel 4 occurs more than once"):
        sorting_order(np.array([4, 4]), "here")
