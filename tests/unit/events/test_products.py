import json
import os

import h5py
import numpy as np
import pytest

from helpers import TICKS, small_sample
from protodune.events.predictions import Predictions, predict_sample
from protodune.events.products import PlaneProduct
from protodune.rawio.flat import write_flat
from protodune.simulation.events import simulate_events
from protodune.stages.produce import convert


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("three")
    write_flat(folder / "s.root", simulate_events(small_sample(apas=(0, 1, 2))), TICKS, {})
    convert.run(convert.ConvertSettings("s", "simulation"), str(folder / "s.root"), None, str(folder / "s.h5"))
    return str(folder / "s.h5")


class Stopped(Exception):
    pass


class Method:
    """Writes values that tell plane and image, and stops in the middle if told to."""

    def __init__(self, stop_at=None):
        self.stop_at, self.calls = stop_at, []

    def __call__(self, store, plane, image):
        if (plane, image) == self.stop_at:
            raise Stopped
        self.calls.append((plane, image))
        shape = store.waveforms(plane, image).shape
        value = 10 * image + (plane == "V")
        return PlaneProduct(denoised=np.full(shape, value, np.float32), roi=np.full(shape, 0.2 * image, np.float32))


def test_an_interrupted_run_goes_on_where_it_stopped(store, tmp_path):
    output = str(tmp_path / "p.h5")
    with pytest.raises(Stopped):
        predict_sample(Method(("V", 1)), store, "induction", output, {"a": 1}, "code")
    assert not os.path.exists(output)
    second = Method()
    predict_sample(second, store, "induction", output, {"a": 1}, "code")
    assert second.calls == [("U", 1), ("V", 1), ("U", 2), ("V", 2)], "image 0 is not computed again"
    assert os.listdir(tmp_path) == ["p.h5"], "the parts are cleared away"
    whole = str(tmp_path / "q.h5")
    predict_sample(Method(), store, "induction", whole, {"a": 1}, "code")
    with h5py.File(output) as a, h5py.File(whole) as b:
        for name in ("U/denoised", "V/denoised", "U/roi", "V/roi", "images/apa"):
            assert np.array_equal(a[name][:], b[name][:])
        assert a["U/denoised"].chunks == b["U/denoised"].chunks
    with Predictions(output) as found:
        assert found.denoised("V", 2)[5, 5] == 21
        assert found.about["a"] == 1


@pytest.mark.parametrize("change", ["settings", "code", "events"])
def test_parts_of_another_run_are_not_used(change, store, tmp_path):
    output = str(tmp_path / "p.h5")
    with pytest.raises(Stopped):
        predict_sample(Method(("U", 2)), store, "induction", output, {"a": 1}, "code")
    if change == "events":
        os.utime(store)
    second = Method()
    about = {"a": 2 if change == "settings" else 1}
    predict_sample(second, store, "induction", output, about, "other" if change == "code" else "code")
    assert len(second.calls) == 6
    with h5py.File(output) as file:
        assert json.loads(file.attrs["about"])["a"] == about["a"]
