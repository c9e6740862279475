import h5py
import numpy as np
import pytest

from helpers import DATA, TICKS
from plugins.small_detector import DETECTOR as SMALL
from protodune.classical.pedestal import estimate_pedestal
from protodune.core.errors import ProtoduneError
from protodune.detector.known.protodune_sp import DETECTOR
from protodune.events.store import STATUS_MISSING, STATUS_NOISY, STATUS_QUIET, STATUS_SHORT, EventStore, EventWriter
from protodune.events.types import ChargeTable, RawEvent
from protodune.rawio.source import open_raw
from protodune.stages.produce import convert

PLANES = DETECTOR.plane_names


def test_planes_come_back_as_they_were(raw_event, store_file):
    with EventStore(store_file) as store:
        assert (len(store), store.ticks, store.event_id(0), store.unit[0]) == (1, TICKS, (1, 0, 1), 0)
        assert store.detector is DETECTOR
        for plane in PLANES:
            info = store.plane(plane, 0)
            assert info is DETECTOR.plane(0, plane)
            rows = slice(info.first_channel, info.first_channel + info.n_channels)
            assert np.array_equal(store.adc(plane, 0), raw_event.adc[rows])
            assert np.array_equal(store.clean(plane, 0), raw_event.clean[rows] * np.float32(0.125))
            assert np.array_equal(store.channel(plane, 0), info.channels)
            assert store.pedestal(plane, 0) == pytest.approx(raw_event.pedestal[rows], abs=5)
            assert not store.status(plane, 0).any()


READERS = (
    "plane", "adc", "pedestal", "noise_rms", "status", "channel", "waveforms", "clean", "bad", "charge", "charge_particles",
    "charge_image",
)  # fmt: skip


@pytest.mark.parametrize("reader", READERS)
def test_a_plane_or_image_that_is_not_there_is_one_line(reader, store_file):
    with EventStore(store_file) as store:
        with pytest.raises(ProtoduneError, match=r"has no plane 'Z', expected one of U, V, X \(ProtoDUNE-SP\)"):
            getattr(store, reader)("Z", 0)
        for image in (1, -1):
            with pytest.raises(ProtoduneError, match=f"has no image {image}, expected a number from 0 and below 1"):
                getattr(store, reader)("U", image)


def test_an_event_or_family_that_is_not_there_is_one_line(store_file):
    with EventStore(store_file) as store:
        for read in (store.event_id, store.timestamp, store.particles, lambda image: store.family("induction", image)):
            with pytest.raises(ProtoduneError, match="has no image 3"):
                read(3)
        with pytest.raises(ProtoduneError, match=r"family 'colection' \(did you mean 'collection'\?\), expected induc"):
            store.family("colection", 0)


def test_charge_is_kept_and_sorted(raw_event, store_file):
    with EventStore(store_file) as store:
        total = 0.0
        for plane in PLANES:
            charge = store.charge(plane, 0)
            assert np.all(np.diff(charge.channel.astype(np.int64) * TICKS + charge.tick) > 0)
            total += charge.electrons.sum(dtype=np.float64)
            dense = store.charge_image(plane, 0)
            assert dense.sum(dtype=np.float64) == pytest.approx(charge.electrons.sum(dtype=np.float64), rel=1e-5)
            assert np.count_nonzero(dense) == len(charge.tick)
        assert total == pytest.approx(raw_event.charge.electrons.sum(dtype=np.float64))


def test_art_channels_find_their_planes(tmp_path):
    convert.run(convert.ConvertSettings("a", "data"), str(DATA / "art_detsim_small.root"), None, str(tmp_path / "a.h5"))
    source = open_raw(str(DATA / "art_detsim_small.root"))
    with EventStore(tmp_path / "a.h5") as store:
        assert not store.has_clean
        assert store.has_charge
        for image in range(len(store)):
            event = source.read(store.event_row[image])
            for plane in PLANES:
                channels, status = store.channel(plane, image), store.status(plane, image)
                present = np.isin(channels, event.channel)
                assert np.array_equal((status & STATUS_MISSING) == 0, present)
                for row in np.flatnonzero(present):
                    assert np.array_equal(store.adc(plane, image)[row], event.adc[event.channel == channels[row]][0])
        n_digits = sum(int((store.status(p, i) & STATUS_MISSING == 0).sum()) for i in range(len(store)) for p in PLANES)
        assert n_digits == 3 * 24
        with pytest.raises(ProtoduneError, match="has no noise-free waveforms"):
            store.clean("U", 0)


def test_a_short_channel_is_flagged(tmp_path):
    convert.run(convert.ConvertSettings("a", "data"), str(DATA / "art_decoder_data.root"), None, str(tmp_path / "a.h5"))
    with EventStore(tmp_path / "a.h5") as store:
        short = sum(int(((store.status(p, i) & STATUS_SHORT) != 0).sum()) for i in range(len(store)) for p in PLANES)
        assert short == 2  # one channel of 5812 ticks in each of two events
        assert store.ticks == 6000


def event_of(adc):
    channel = np.arange(len(adc), dtype=np.uint32)
    return RawEvent(1, 2, 3, channel, adc, np.full(len(adc), adc.shape[1]), np.zeros(len(adc), np.float32))


def writer_of(path, ticks, detector=DETECTOR, with_charge=False, **options):
    truth = {"with_clean": False, "with_charge": with_charge}
    return EventWriter.open(path, detector, ticks, estimate=estimate_pedestal, **truth, about={}, **options)


def test_dead_and_noisy_channels_are_flagged_and_blanked(tmp_path, rng):
    adc = np.rint(900 + rng.standard_normal((3, 400)) * [[5], [0], [60]]).astype(np.int16)
    with writer_of(tmp_path / "a.h5", 400) as writer:
        writer.append(event_of(adc))
    with EventStore(tmp_path / "a.h5") as store:
        assert store.status("U", 0)[:4].tolist() == [0, STATUS_QUIET, STATUS_NOISY, STATUS_MISSING]
        waveforms = store.waveforms("U", 0)
        assert waveforms[0].std() == pytest.approx(5, rel=0.1)
        assert np.all(waveforms[1:] == 0)


@pytest.mark.parametrize(("noisy_above", "flagged"), [(3.0, [2]), (8.0, []), (None, [])])
def test_channels_far_above_the_noise_of_their_plane_are_flagged(tmp_path, rng, noisy_above, flagged):
    """Between the noise of the plane and 30 ADC, a network takes noise for signals; a prolonged signal does not count."""
    adc = np.rint(900 + rng.standard_normal((40, 2000)) * 4).astype(np.int16)
    adc[2] = np.rint(900 + rng.standard_normal(2000) * 20).astype(np.int16)
    adc[5, 500:700] += 80
    with writer_of(tmp_path / "a.h5", 2000, noisy_above=noisy_above) as writer:
        writer.append(event_of(adc))
    with EventStore(tmp_path / "a.h5") as store:
        assert np.flatnonzero(store.status("U", 0)[:40]).tolist() == flagged
        assert np.flatnonzero(store.bad("U", 0)[:40]).tolist() == flagged


def test_a_store_of_another_tick_is_refused(tmp_path):
    with writer_of(tmp_path / "a.h5", 400):
        pass
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        file.attrs["tick_ns"] = 512.0
    with pytest.raises(ProtoduneError, match=r"ticks of 512 ns, expected 500 ns \(ProtoDUNE-SP\); mend 'detector'"):
        EventStore(tmp_path / "a.h5")


def test_a_plane_without_noise_has_no_noisy_channels(tmp_path):
    adc = np.full((9, 400), 900, np.int16)
    adc[3, ::2] += 8
    with writer_of(tmp_path / "a.h5", 400, noisy_above=3.0) as writer:
        writer.append(event_of(adc))
    with EventStore(tmp_path / "a.h5") as store:
        assert store.status("U", 0)[3] == 0


def test_a_foreign_channel_leaves_no_file(tmp_path):
    event = event_of(np.zeros((1, 10), np.int16))
    event.channel = np.array([15360], np.uint32)
    with (
        pytest.raises(ProtoduneError, match=r"channel 15360, expected at most 15359 \(ProtoDUNE-SP\); is this another"),
        writer_of(tmp_path / "a.h5", 10) as writer,
    ):
        writer.append(event)
    assert list(tmp_path.iterdir()) == []


def test_charge_outside_the_readout_is_left_out(tmp_path):
    event = event_of(np.zeros((2, 10), np.int16))
    columns = np.array([1, 1, 0], np.uint32), np.array([10, 3, -1], np.int32)
    event.charge = ChargeTable(*columns, np.ones(3, np.float32), np.array([7, 8, 9], np.int32))
    with writer_of(tmp_path / "a.h5", 10, with_charge=True) as writer:
        writer.append(event)
    with EventStore(tmp_path / "a.h5") as store:
        charge = store.charge("U", 0)
        assert (charge.channel.tolist(), charge.tick.tolist(), charge.track.tolist()) == ([1], [3], [8])


def test_other_files_are_refused_with_the_stage_to_run(tmp_path):
    with pytest.raises(ProtoduneError, match="found nothing, expected a protodune-events file; run the stage 'convert'"):
        EventStore(tmp_path / "a.h5")
    (tmp_path / "a.h5").write_text("text")
    with pytest.raises(ProtoduneError, match="not an HDF5 file"):
        EventStore(tmp_path / "a.h5")
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file.attrs["format"], file.attrs["format_version"] = "protodune-events", 99
    with pytest.raises(ProtoduneError, match="version 99, expected protodune-events version 4; run the stage 'convert'"):
        EventStore(tmp_path / "b.h5")


def test_families_are_those_of_the_images_unit(tmp_path):
    event = event_of(np.zeros((2, 10), np.int16))
    event.channel = np.array([0, 312], np.uint32)
    with writer_of(tmp_path / "a.h5", 10, SMALL) as writer:
        writer.append(event)
    with EventStore(tmp_path / "a.h5") as store:
        assert store.unit.tolist() == [0, 1]
        assert [[p.name for p in store.family("induction", image)] for image in (0, 1)] == [["U", "V"], ["U"]]
        assert [[p.name for p in store.family("collection", image)] for image in (0, 1)] == [["X"], ["V", "X"]]
        assert store.adc("V", 1).shape == (96, 10)


def test_thresholds_of_noise_follow_the_gain(tmp_path, rng):
    adc = np.rint(9400 + rng.standard_normal((3, 400)) * [[60], [1], [120]]).astype(np.int16)
    with writer_of(tmp_path / "a.h5", 400, SMALL) as writer:
        writer.append(event_of(adc))
    with EventStore(tmp_path / "a.h5") as store:
        assert store.status("U", 0)[:4].tolist() == [0, STATUS_QUIET, STATUS_NOISY, STATUS_MISSING]


def test_a_store_of_another_version_of_its_detector_is_refused(store_file, tmp_path):
    path = tmp_path / "a.h5"
    path.write_bytes(store_file.read_bytes())
    with h5py.File(path, "r+") as file:
        file.attrs["detector_version"] = 7
    with pytest.raises(
        ProtoduneError, match="made for protodune_sp version 7, expected version 1; run the stage 'convert' again"
    ):
        EventStore(path)
    with h5py.File(path, "r+") as file:
        file.attrs["detector"] = "protodune_xy"
    with pytest.raises(ProtoduneError, match="detector 'protodune_xy' is unknown"):
        EventStore(path)
