"""Truth from a partner, the board with the slower clock, lists of channels."""

import copy

import numpy as np
import pytest

from helpers import TICKS, small_sample
from plugins.small_detector import DETECTOR as SMALL
from protodune.classical.pedestal import estimate_pedestal
from protodune.core.errors import ProtoduneError
from protodune.detector.known.protodune_sp import DETECTOR
from protodune.events.store import EventStore
from protodune.events.types import ChargeTable, RawEvent
from protodune.rawio.conversion import (
    ConvertSettings,
    Reading,
    add_truth,
    convert_file,
    read_channel_list,
    stretch_slow_board,
)
from protodune.rawio.flat import write_flat
from protodune.simulation.events import simulate_events


def event_of(adc, channel, pedestal=0.0):
    n = len(adc)
    return RawEvent(1, 0, 1, np.array(channel, np.uint32), adc, np.full(n, adc.shape[1]), np.full(n, pedestal, np.float32))


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"on_damaged_event": "ignore"}, "on_damaged_event: found 'ignore', expected stop or skip"),
        ({"kind": "real"}, "kind: found 'real', expected simulation or data"),
        ({"stretch_slow_board": "no"}, "stretch_slow_board: found 'no', expected auto, always or never"),
    ],
)
def test_other_words_are_refused(setting, message):
    with pytest.raises(ProtoduneError, match=message):
        ConvertSettings(**{"sample": "s", "kind": "data", **setting})


def test_the_slow_board_is_stretched():
    time = np.arange(6000)
    pulse = 1000 + 300 * np.exp(-0.5 * ((time - 4000.0) / 30) ** 2)
    slow = np.interp(time * 6000 / 5996, time, pulse)  # 5996 ticks for the same time
    assert np.sort(DETECTOR.units[0].board_channels(2))[:2].tolist() == [440, 441]
    adc = np.rint(np.stack([slow, slow])).astype(np.int16)
    event = event_of(adc.copy(), [0, 440])
    stretch_slow_board(event, DETECTOR, only_short=True)
    assert np.array_equal(event.adc, adc), "its digits do not say that they are short"
    stretch_slow_board(event, DETECTOR, only_short=False)
    assert np.array_equal(event.adc[0], adc[0]), "another board is left alone"
    assert np.abs(event.adc[1] - pulse).max() < 2
    assert np.abs(adc[1] - pulse).max() > 10
    event = event_of(adc.copy(), [0, 440])
    stretch_slow_board(event, SMALL, only_short=False)
    assert np.array_equal(event.adc, adc), "a detector without such a board"


def test_truth_is_digits_less_pedestal_in_the_detectors_counts(rng):
    adc = np.full((2, 50), 900, np.int16)
    adc[:, 20] = 1000
    for detector, counts in ((DETECTOR, 800), (SMALL, 200)):
        event = event_of(adc + rng.integers(-3, 4, adc.shape).astype(np.int16), [0, 1])
        add_truth(event, event_of(adc, [0, 1], 900.0), detector, "off.root")
        assert event.clean[0, 19:22].tolist() == [0, counts, 0]


def test_a_partner_that_does_not_fit_is_refused():
    adc = np.full((2, 50), 900, np.int16)
    with pytest.raises(ProtoduneError, match="has 2 channels x 50 ticks, the noisy file 2 x 40"):
        add_truth(event_of(adc[:, :40], [0, 1]), event_of(adc, [0, 1], 900.0), DETECTOR, "off.root")
    with pytest.raises(ProtoduneError, match=r"channel 0: baseline 100\.0 ADC off the recorded pedestal"):
        add_truth(event_of(adc, [0, 1]), event_of(adc, [0, 1], 800.0), DETECTOR, "off.root")


def test_a_pedestal_that_is_no_number_is_refused():
    adc = np.full((3, 20), 900, np.int16)
    event, partner = event_of(adc, [0, 1, 2]), event_of(adc, [0, 1, 2], 900.0)
    partner.pedestal[1] = np.nan
    with pytest.raises(ProtoduneError, match="channel 1: baseline nan ADC off the recorded pedestal"):
        add_truth(event, partner, DETECTOR, "here")


@pytest.mark.parametrize("electrons", [np.nan, -np.inf])
def test_charge_that_is_no_number_is_refused(tmp_path, raw_event, electrons):
    damaged = copy.deepcopy(raw_event)
    damaged.charge.electrons[5] = electrons
    write_flat(tmp_path / "a.root", [damaged], TICKS, {})
    settings = ConvertSettings("s", "simulation")
    with pytest.raises(ProtoduneError, match=f"channel .*: {electrons} electrons, expected a finite number; the file is"):
        convert_file(settings, str(tmp_path / "a.root"), None, str(tmp_path / "a.h5"), estimate_pedestal)
    assert not (tmp_path / "a.h5").exists()


class InMemory:
    """A source of events that are there already; one that is None is damaged."""

    path, flavour, about = "memory", "events", {}

    def __init__(self, *events):
        self._events = events

    def __len__(self):
        return len(self._events)

    def event_id(self, index):
        return self.read(index).event_id

    def read(self, index, truth=True):
        if self._events[index] is None:
            raise ProtoduneError(f"entry {index} is damaged")
        return copy.deepcopy(self._events[index])


def test_truth_of_the_slow_board_is_stretched_with_its_digits():
    """A pulse near the end of the readout of a channel of board 302 stands at the same tick in both."""
    adc = np.full((1, 6000), 900, np.int16)
    adc[0, 5000] = 1900
    noisy, noise_off = event_of(adc, [440]), event_of(adc, [440], 900.0)
    noisy.n_ticks[:] = noise_off.n_ticks[:] = 5996
    reading = Reading(InMemory(noisy), InMemory(noise_off), DETECTOR, ConvertSettings("s", "simulation"))
    [event] = reading.events()
    assert event.adc[0].argmax() == event.clean[0].argmax() == 5003


def test_charge_of_the_partner_is_checked_too():
    adc = np.full((1, 20), 900, np.int16)
    partner = event_of(adc, [0], 900.0)
    one = np.ones(1, np.int32)
    partner.charge = ChargeTable(np.zeros(1, np.uint32), one, np.array([np.nan], np.float32), one)
    reading = Reading(InMemory(event_of(adc, [0])), InMemory(partner), DETECTOR, ConvertSettings("s", "simulation"))
    with pytest.raises(ProtoduneError, match="nan electrons, expected a finite number"):
        list(reading.events())


def test_a_damaged_partner_loses_its_event_alone():
    adc = np.full((1, 20), 900, np.int16)
    first, second = event_of(adc, [0]), event_of(adc, [0])
    second.event = 2
    noise_off = event_of(adc, [0], 900.0)
    settings = ConvertSettings("s", "simulation", on_damaged_event="skip")
    reading = Reading(InMemory(first, second), InMemory(noise_off, None), DETECTOR, settings)
    assert [e.event_id for e in reading.events()] == [(1, 0, 1)]
    assert [lost["entry"] for lost in reading.lost] == [1]
    stop = Reading(InMemory(first, second), InMemory(noise_off, None), DETECTOR, ConvertSettings("s", "simulation"))
    with pytest.raises(ProtoduneError, match="entry 1 is damaged"):
        list(stop.events())


def test_channel_lists_belong_to_a_detector(tmp_path):
    path = tmp_path / "bad.txt"
    path.write_text("# broken\n3\n\n600  # noisy\n")
    assert read_channel_list(str(path), DETECTOR).tolist() == [3, 600]
    assert read_channel_list(str(path), SMALL).tolist() == [3, 600]
    path.write_text("3\n624\n")
    with pytest.raises(
        ProtoduneError, match=r"line 2: found '624', expected a channel from 0 to 623 \(the small detector\)"
    ):
        read_channel_list(str(path), SMALL)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("3\n²\n".encode(), "line 2: found '²', expected a channel from 0 to 623"),
        ("٣\n".encode(), "line 1: found '٣', expected a channel"),
        (b"-3\n", "line 1: found '-3'"),
        (b"9" * 5000, r"line 1: found '9+\.\.\.9+' \(5002 characters\), expected a channel"),
        ("3\n".encode("utf-16"), "found UTF-16 text, expected a list of channels in UTF-8; save it as UTF-8"),
        (bytes(range(256)), r"byte 128 \(0x80\) is no UTF-8 text, expected a list of channels"),
        (b"3\n\0\0\n", "found a binary file, expected a list of channels"),
    ],
    ids=range(7),
)
def test_what_is_no_list_of_channels_is_one_sentence(content, message, tmp_path):
    (tmp_path / "bad.txt").write_bytes(content)
    with pytest.raises(ProtoduneError, match=message):
        read_channel_list(str(tmp_path / "bad.txt"), SMALL)


def test_a_list_of_channels_may_come_from_any_editor(tmp_path):
    (tmp_path / "bad.txt").write_bytes("3 # ü\r\n007\r12\n".encode("utf-8-sig"))
    assert read_channel_list(str(tmp_path / "bad.txt"), SMALL).tolist() == [3, 7, 12]


def test_files_of_another_detector_are_refused(tmp_path, flat_file):
    settings = ConvertSettings("s", "simulation", detector="plugins.small_detector")
    with pytest.raises(ProtoduneError, match=r"simulated for detector protodune_sp, expected plugins\.small_detector"):
        convert_file(settings, str(flat_file), None, str(tmp_path / "a.h5"), estimate_pedestal)
    assert list(tmp_path.iterdir()) == []


def test_a_noise_off_partner_is_paired_by_id(tmp_path):
    noisy = list(simulate_events(small_sample(events=2)))
    silent = {"incoherent_noise": False, "channel_noise_spread": False, "coherent_noise": False}
    off = list(simulate_events(small_sample(events=2, simulation={"effects": silent})))
    write_flat(tmp_path / "noisy.root", noisy, TICKS, {})
    write_flat(tmp_path / "off.root", off[::-1], TICKS, {})
    paths = (str(tmp_path / f"{name}.root") for name in ("noisy", "off"))
    convert_file(ConvertSettings("s", "simulation"), *paths, str(tmp_path / "s.h5"), estimate_pedestal)
    with EventStore(tmp_path / "s.h5") as store:
        for image in (0, 1):
            clean = noisy[image].clean[1600:] * 0.125
            assert np.abs(store.clean("X", image) - clean).max() < 0.7, "integer digits of the partner"
