"""Charge in electrons: a method that gives the truth has no error, one that loses a tenth loses it in all metrics."""

import numpy as np
import pytest
from scipy.ndimage import maximum_filter1d

from protodune.events.products import Place, Products, ProductWriter
from protodune.events.store import EventStore
from protodune.measure.electrons import SEGMENT_CHANNELS, region_electrons, segment_electrons
from protodune.measure.known.electron_errors import MEASURE as ERRORS
from protodune.measure.known.electrons import MEASURE
from protodune.measure.known.electrons_by_angle import MEASURE as BY_ANGLE
from protodune.measure.measuring import measure_products, subjects
from protodune.tasks.spec import find_task

ABOUT = {"task": "denoise", "step": "denoise", "method": "m", "sample": "s"}


@pytest.fixture(scope="module")
def products(store_file, tmp_path_factory):
    """What a method makes that finds nine tenths of the true charge of every pixel."""
    path = tmp_path_factory.mktemp("products") / "m.h5"
    outputs = find_task("denoise").outputs
    with (
        EventStore(store_file) as store,
        ProductWriter.open(path, store, "collection", outputs, {"task": "denoise"}) as writer,
    ):
        for image in range(len(store)):
            for plane in store.family("collection", image):
                writer.write(Place(image, plane), {"charge": 0.9 * store.charge_image(plane.name, image)})
    return path


def test_a_tenth_is_lost_everywhere(store_file, products):
    with EventStore(store_file) as store, Products(products) as found:
        rows = measure_products(store, found, [MEASURE, BY_ANGLE], ABOUT)
    values = {}
    for row in rows:
        if np.isfinite(row["value"]):
            values.setdefault(row["metric"], []).append(row["value"])
    assert set(values) > {"electron_bias", "electron_resolution", "electron_bias_by_angle"}
    for metric, found in values.items():
        assert found == pytest.approx([-0.1 if "bias" in metric else 0] * len(found), abs=2e-3), metric


def test_segments_are_sums_of_one_track(store_file, products):
    with EventStore(store_file) as store, Products(products) as found:
        subject = next(subjects(store, found, "m"))
        regions, segments = region_electrons(subject), segment_electrons(subject)
    one = np.isfinite(regions.theta_deg)
    assert regions.true.min() > 5000
    assert 0 < len(segments.true) <= one.sum() // (SEGMENT_CHANNELS // 2)
    assert segments.true.sum() <= regions.true[one].sum() * (1 + 1e-9)
    assert np.isfinite(segments.theta_deg).all()
    assert segments.found == pytest.approx(0.9 * segments.true, rel=2e-3)
    some = np.unique(regions.row)[:3]
    assert len(regions.errors(some)) == np.isin(regions.row, some).sum()


def test_pulls_compare_what_is_found_with_the_error(store_file, tmp_path):
    """Half of the regions 5 % too high, half 5 % too low, and an error of 2.5 %: a width of 2."""
    path = tmp_path / "m.h5"
    with EventStore(store_file) as store:
        with ProductWriter.open(path, store, "collection", find_task("denoise").outputs, {"task": "denoise"}) as writer:
            for image in range(len(store)):
                for plane in store.family("collection", image):
                    charge = store.charge_image(plane.name, image)
                    factor = np.where(np.arange(len(charge)) % 2, 1.05, 0.95).astype(np.float32)[:, None]
                    around = maximum_filter1d(charge, 5, axis=1)
                    writer.write(Place(image, plane), {"charge": factor * charge, "charge_error": 0.025 * around})
        with Products(path) as found:
            rows = measure_products(store, found, [ERRORS], ABOUT)
    values = {
        name: [row["value"] for row in rows if row["metric"] == name] for name in ("electron_pull", "electron_uncertainty")
    }
    for pull, error in zip(values["electron_pull"], values["electron_uncertainty"], strict=True):
        assert 0.025 < error < 0.1
        assert pull == pytest.approx(0.05 / error, rel=0.3)


def test_a_method_without_charge_is_not_asked(store_file, tmp_path):
    with EventStore(store_file) as store:
        path = tmp_path / "m.h5"
        with ProductWriter.open(path, store, "collection", find_task("denoise").outputs, {"task": "denoise"}) as writer:
            for plane in store.family("collection", 0):
                writer.write(Place(0, plane), {"denoised": store.waveforms(plane.name, 0)})
        with Products(path) as found:
            assert not measure_products(store, found, [MEASURE, ERRORS, BY_ANGLE], ABOUT)
