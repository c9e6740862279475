"""Another detector from simulation to products: other planes, ticks of 512 ns, 14 bits, V collects on one of two units."""

import h5py
import numpy as np
import pytest

from helpers import as_json, one_line_error, run_module
from plugins.small_detector import DETECTOR
from protodune.events.products import Products
from protodune.events.store import EventStore
from protodune.stages.produce import convert, infer_classical, simulate

NAME = DETECTOR.name
CHAIN = ["sticky", "tails", "low_pass", "coherent"]
TICKS = 1400


def sample_file(folder, name, **simulation):
    """Simulate two events of both units and convert them; return the event store."""
    sample = {"sample": name, "seed": 3, "events": 2, "units": [0, 1], "detector": NAME, "simulation": simulation}
    assert simulate.main(["--settings", as_json(**sample), "--output", str(folder / f"{name}.root")]) == 0
    settings = as_json(sample=name, kind="simulation", detector=NAME)
    argv = ["--settings", settings, "--source", str(folder / f"{name}.root"), "--output", str(folder / f"{name}.h5")]
    assert convert.main(argv) == 0
    return str(folder / f"{name}.h5")


def product_file(events, family, steps, output):
    argv = ["--settings", as_json(steps=steps), "--task", "denoise", "--step", "denoise", "--method", "m"]
    assert infer_classical.main([*argv, "--family", family, "--events", events, "--output", str(output)]) == 0
    return output


@pytest.fixture(scope="module")
def tracks(tmp_path_factory):
    """Tracks of one direction across the wires of every unit, with all noise."""
    return sample_file(
        tmp_path_factory.mktemp("tracks"), "tracks", content="ideal_tracks", ideal_theta_xz_deg=[0.0, 30.0],
        ideal_tracks_per_unit=2, ideal_length_mm=300.0,
    )  # fmt: skip


def test_a_store_is_the_detectors(tracks):
    with EventStore(tracks) as store:
        assert store.detector is DETECTOR
        assert (store.ticks, store.unit.tolist()) == (DETECTOR.readout_ticks, [0, 1, 0, 1])
        assert [store.adc(name, 0).shape for name in "UVX"] == [(96, 1200), (96, 1200), (120, 1200)]
        assert [store.plane("V", image).family for image in range(4)] == ["induction", "collection"] * 2
        for image in range(4):
            for name in "UVX":
                plane = store.plane(name, image)
                pedestal = np.median(store.pedestal(name, image))
                assert pedestal == pytest.approx(plane.pedestal_adc, abs=30)
                clean = store.clean(name, image)[~store.bad(name, image)]
                # Pulses are unipolar where the plane collects.
                assert (clean.min() > -0.1 * clean.max()) == plane.collects


def test_charge_arrives_at_the_tick_of_its_drift(tmp_path):
    """A track parallel to the wire planes at a known drift distance, with ticks of 512 ns."""
    distance = 400.0
    events = sample_file(
        tmp_path, "flat", preset="clean", content="ideal_tracks", ideal_theta_xz_deg=[0.0], ideal_tracks_per_unit=1,
        ideal_length_mm=200.0, ideal_drift_mm=distance, ticks=TICKS, effects={"diffusion": False},
    )  # fmt: skip
    with EventStore(events) as store:
        for image in range(len(store)):
            particle = store.particles(image)[store.unit[image]]
            expected = DETECTOR.trigger_tick + (particle["time_us"] + distance / DETECTOR.drift_speed_mm_per_us) / 0.512
            charge, waveform = store.charge_image("X", image), store.clean("X", image)
            seen = np.average(np.arange(TICKS), weights=charge.sum(axis=0)) + 0.5
            assert seen == pytest.approx(expected, abs=0.6)
            # The amplifier's peak follows the arrival by 2.6 us.
            row = charge.sum(axis=1).argmax()
            assert (waveform[row].argmax() - expected) * 0.512 == pytest.approx(2.2, abs=0.8)


def test_pulses_beyond_12_bits_are_kept_and_saturate_at_14(tmp_path):
    events = sample_file(
        tmp_path, "pulses", preset="clean", content="pulses", pulse_electrons=[2e5, 2e6], pulse_period_ticks=400
    )
    with EventStore(events) as store:
        for name, pedestal in (("U", 9400), ("X", 3600)):
            clean, adc = store.clean(name, 0), store.adc(name, 0)
            assert adc.max() == 2**14 - 1
            assert clean.max() == 2**14 - 1 - pedestal, "saturates as the digits do, without an overflow"
            assert clean.min() > -50, "nothing wraps round"
            small = clean[:, 150:300].max(axis=1).min()
            assert 3000 < small < 2**14 - 1 - pedestal
            assert np.abs(adc - pedestal - clean).max() <= 1


@pytest.mark.parametrize("family", ["induction", "collection"])
def test_deconvolved_charge_is_the_truth(tracks, family, tmp_path):
    path = product_file(tracks, family, [*CHAIN, "deconvolve", "reconvolve"], tmp_path / "p.h5")
    with EventStore(tracks) as store, Products(path) as found:
        found.check_matches(store)
        assert set(found.names()) == {"denoised", "charge", "charge_error", "regions"}
        for image in range(len(store)):
            for name in DETECTOR.family_planes(family):
                plane = store.plane(name, image)
                charge, good = found.image("charge", name, image), ~store.bad(name, image)
                if plane not in store.family(family, image):
                    assert not charge.any(), "a plane of the other family here"
                    continue
                truth = store.charge_image(name, image)
                assert charge[good].sum() == pytest.approx(truth[good].sum(), rel=0.05)
                assert np.corrcoef(charge.sum(axis=1)[good], truth.sum(axis=1)[good])[0, 1] > 0.95
                # In time too: where the charge of a channel lies, to a tick in the median.
                rows = good & (truth.sum(axis=1) > 20000)
                middles = [(q[rows] * np.arange(store.ticks)).sum(axis=1) / q[rows].sum(axis=1) for q in (charge, truth)]
                assert rows.sum() > 20
                assert abs(np.median(middles[0] - middles[1])) < 1
                before, after = store.waveforms(name, image)[good], found.image("denoised", name, image)[good]
                clean = store.clean(name, image)[good]
                assert (after - clean).std() < 0.7 * (before - clean).std()


@pytest.mark.parametrize(
    "steps",
    [["wiener"], ["zeros"], [*CHAIN, {"cut": {"size_adc": 4.0}}], [*CHAIN, "threshold_regions", "in_regions"]],
    ids=["wiener", "zeros", "cut", "regions"],
)
def test_every_other_step_runs_on_it(tracks, steps, tmp_path):
    path = product_file(tracks, "collection", steps, tmp_path / "p.h5")
    with EventStore(tracks) as store, Products(path) as found:
        denoised = found.image("denoised", "V", 1)
        assert denoised.shape == (96, store.ticks)
        if "zeros" not in steps:
            clean = store.clean("V", 1)
            assert (denoised - clean).std() < (store.waveforms("V", 1) - clean).std()
        if steps[-1] == {"cut": {"size_adc": 4.0}}:
            least = np.abs(denoised[denoised != 0]).min()
            assert least > 4.0 * store.plane("V", 1).adc_scale - 0.5, "thresholds are in ADC of the reference gain"


def test_a_store_of_another_version_is_refused_in_words(tracks, tmp_path):
    path = tmp_path / "old.h5"
    with open(tracks, "rb") as file:
        path.write_bytes(file.read())
    with h5py.File(path, "r+") as file:
        file.attrs["detector_version"] = 2
    settings = ["--settings", as_json(steps=["zeros"]), "--task", "denoise", "--step", "denoise", "--method", "m"]
    arguments = [*settings, "--family", "induction", "--events", path, "--output", tmp_path / "p.h5"]
    error = one_line_error(run_module("stages.produce.infer_classical", *arguments), "infer")
    assert f"made for {NAME} version 2, expected version 1; run the stage 'convert' again" in error
    assert not (tmp_path / "p.h5").exists()


def test_digits_of_another_detector_are_refused_in_words(tmp_path, flat_file):
    settings = as_json(sample="s", kind="simulation", detector=NAME)
    arguments = ["--settings", settings, "--source", flat_file, "--output", tmp_path / "s.h5"]
    error = one_line_error(run_module("stages.produce.convert", *arguments), "convert")
    assert f"simulated for detector protodune_sp, expected {NAME}; mend 'detector' in the sample sheet" in error
