import json
import os

import h5py
import numpy as np
import pytest

from helpers import TICKS, small_sample
from protodune.core.errors import ProtoduneError
from protodune.events.making import make_products, places
from protodune.events.products import Output, Place, Products, ProductWriter
from protodune.events.store import EventStore
from protodune.rawio.flat import write_flat
from protodune.simulation.events import simulate_events
from protodune.stages.produce import convert


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("three")
    write_flat(folder / "s.root", simulate_events(small_sample(units=(0, 1, 2))), TICKS, {})
    convert.run(convert.ConvertSettings("s", "simulation"), str(folder / "s.root"), None, str(folder / "s.h5"))
    return str(folder / "s.h5")


OUTPUTS = (Output("denoised", "ADC", None), Output("regions", "score", 1 / 255, kind="u1", activation="sigmoid"))


class Stopped(Exception):
    pass


class Method:
    """Writes values that tell plane and image, and stops in the middle if told to."""

    def __init__(self, stop_at=None):
        self.stop_at, self.calls = stop_at, []

    def __call__(self, store, group):
        return [self.one(store, place.plane.name, place.image) for place in group]

    def one(self, store, plane, image):
        if (plane, image) == self.stop_at:
            raise Stopped
        self.calls.append((plane, image))
        shape = store.waveforms(plane, image).shape
        value = 10 * image + (plane == "V")
        return {"denoised": np.full(shape, value, np.float32), "regions": np.full(shape, 0.2 * image, np.float32)}


def make(method, store, output, about, code="code"):
    make_products(method, store, "induction", OUTPUTS, output, about, code)


def test_an_interrupted_run_goes_on_where_it_stopped(store, tmp_path):
    output = str(tmp_path / "p.h5")
    with pytest.raises(Stopped):
        make(Method(("V", 1)), store, output, {"a": 1})
    assert not os.path.exists(output)
    second = Method()
    make(second, store, output, {"a": 1})
    assert second.calls == [("U", 1), ("V", 1), ("U", 2), ("V", 2)], "image 0 is not computed again"
    assert os.listdir(tmp_path) == ["p.h5"], "the parts are cleared away"
    whole = str(tmp_path / "q.h5")
    make(Method(), store, whole, {"a": 1})
    with h5py.File(output) as a, h5py.File(whole) as b:
        for name in ("U/denoised", "V/denoised", "U/regions", "V/regions", "images/unit"):
            assert np.array_equal(a[name][:], b[name][:])
        assert a["U/denoised"].chunks == b["U/denoised"].chunks
    with Products(output) as found:
        assert found.image("denoised", "V", 2)[5, 5] == 21
        assert found.about["a"] == 1


@pytest.mark.parametrize("change", ["settings", "code", "events"])
def test_parts_of_another_run_are_not_used(change, store, tmp_path):
    output = str(tmp_path / "p.h5")
    with pytest.raises(Stopped):
        make(Method(("U", 2)), store, output, {"a": 1})
    if change == "events":
        os.utime(store)
    second = Method()
    about = {"a": 2 if change == "settings" else 1}
    make(second, store, output, about, "other" if change == "code" else "code")
    assert len(second.calls) == 6
    with h5py.File(output) as file:
        assert json.loads(file.attrs["about"])["a"] == about["a"]


CLASSES = Output("classes", "score", 1 / 255, kind="u1", channels=3, activation="softmax")


def test_outputs_of_several_channels_come_back(store, tmp_path, rng):
    made = {}

    def method(opened, group):
        found = []
        for place in group:
            made[place.plane.name, place.image] = rng.uniform(size=(3, place.plane.n_channels, opened.ticks)).astype(
                np.float32
            )
            found.append({"classes": made[place.plane.name, place.image].copy()})
        return found

    make_products(method, store, "collection", (CLASSES,), str(tmp_path / "p.h5"), {}, scope="unit")
    with Products(tmp_path / "p.h5") as found, EventStore(store) as opened:
        assert found.names() == ["classes"]
        image, bad = found.image("classes", "X", 1), opened.bad("X", 1)
    assert image.shape == made["X", 1].shape
    assert np.abs(image - made["X", 1])[:, ~bad].max() <= 0.5 / 255 + 1e-6
    assert not image[:, bad].any()


def test_what_a_method_sees_together(store):
    with EventStore(store) as opened:
        names = {
            scope: [[(p.plane.name, p.image) for p in group] for group in places(opened, "induction", scope)]
            for scope in ("plane", "unit", "event")
        }
    every = [(name, image) for image in range(3) for name in "UV"]
    assert names["plane"] == [[place] for place in every]
    assert names["unit"] == [every[:2], every[2:4], every[4:]]
    assert names["event"] == [every]


def test_products_of_other_events_or_detectors_are_refused(store, store_file, tmp_path):
    make(Method(), store, str(tmp_path / "p.h5"), {})
    with (
        EventStore(store_file) as other,
        Products(tmp_path / "p.h5") as found,
        pytest.raises(ProtoduneError, match="other events"),
    ):
        found.check_matches(other)
    with h5py.File(tmp_path / "p.h5", "r+") as file:
        file.attrs["detector_version"] = 7
    message = r"made for detector protodune_sp version 7, but .* is of protodune_sp version 1"
    with EventStore(store) as same, Products(tmp_path / "p.h5") as found, pytest.raises(ProtoduneError, match=message):
        found.check_matches(same)


def test_a_plane_output_or_image_that_is_not_there_is_one_line(store, tmp_path):
    make(Method(), store, str(tmp_path / "p.h5"), {})
    with Products(tmp_path / "p.h5") as found:
        for name, plane in (("charge", "U"), ("denoised", "Z"), ("denoised", "X")):
            with pytest.raises(ProtoduneError, match=f"has no '{name}' of plane {plane}; run the stage 'infer' again"):
                found.image(name, plane, 0)
        for image in (3, -1):
            with pytest.raises(ProtoduneError, match=f"has no image {image}, expected a number from 0 and below 3"):
                found.image("denoised", "U", image)


def test_what_is_not_finite_or_not_asked_for_is_refused(store, tmp_path):
    with EventStore(store) as opened:
        place = Place(0, opened.plane("U", 0))
        for name, value, message in (
            ("denoised", np.nan, "'denoised' holds NaN"),
            ("charge", 0.0, "output 'charge' is none of"),
        ):
            image = np.full((place.plane.n_channels, opened.ticks), value, np.float32)
            with (
                pytest.raises(ProtoduneError, match=message),
                ProductWriter.open(tmp_path / "p.h5", opened, "induction", OUTPUTS, {}) as writer,
            ):
                writer.write(place, {name: image})


def test_impossible_outputs_are_refused():
    with pytest.raises(ProtoduneError, match="activation 'tanh', expected none"):
        Output("a", "", 1.0, activation="tanh")
    with pytest.raises(ProtoduneError, match="1 channels, expected 1 or more, 2 or more with softmax"):
        Output("a", "", 1.0, activation="softmax")


@pytest.mark.parametrize(("value", "stored"), [(-0.1, 0.0), (1.2, 1.0)])
def test_values_beyond_what_an_output_holds_are_cut(value, stored, store, tmp_path):
    """An unsigned number would wrap."""

    def method(store, group):
        shapes = [store.waveforms(place.plane.name, place.image).shape for place in group]
        return [{"denoised": np.zeros(s, np.float32), "regions": np.full(s, value, np.float32)} for s in shapes]

    make(method, store, str(tmp_path / "p.h5"), {})
    with Products(tmp_path / "p.h5") as products:
        assert set(products.image("regions", "U", 0).ravel().tolist()) <= {0.0, stored}
