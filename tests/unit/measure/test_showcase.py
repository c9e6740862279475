import numpy as np
import pytest

from protodune.core.errors import ProtoduneError
from protodune.events.store import EventStore
from protodune.events.true_regions import TrueRegions
from protodune.measure.showcase import Shown, Window, busiest_window, interesting_channels, patch_rows


def test_the_busiest_window_holds_most_pixels_above_10_adc():
    image = np.zeros((4, 100))
    image[:, 60:64] = 11
    image[:, 10] = 1000
    assert busiest_window(image, 20) == slice(44, 64)
    assert busiest_window(image, 500) == slice(0, 100), "at most what there is"
    assert busiest_window(image, 20, least_adc=100) == slice(0, 20)


def regions(**columns):
    n = len(columns["row"])
    blank = dict.fromkeys(("begin", "end", "electrons", "particle", "share", "second", "theta_deg", "ionisation"))
    found = {name: np.zeros(n) for name in blank} | {"begin": np.full(n, 10), "end": np.full(n, 30)}
    return TrueRegions(**{**found, **{name: np.array(values) for name, values in columns.items()}})


def test_channels_are_picked_by_their_truth():
    truth = np.ones((12, 100))
    found = regions(
        row=[0, 1, 2, 3, 4, 7, 8], particle=[1, 1, 1, 1, 1, 2, 3], electrons=[1.0, 2, 3, 4, 5, 6, 7],
        theta_deg=[5.0, 5, 5, 5, 5, 80, np.nan], ionisation=[1.0, 1, 1, 1, 1, 1, np.nan],
        second=[0.0, 0, 0, 0, 0, 0, 0.3], end=[30, 30, 30, 30, 30, 90, 30],
    )  # fmt: skip
    assert interesting_channels(truth, found) == [
        ("isochronous track", 2, 20), ("prolonged track", 7, 50), ("overlapping tracks", 8, 20),
    ]  # fmt: skip


def test_without_regions_the_highest_and_the_longest_signal():
    truth = np.zeros((3, 100))
    truth[1, 5] = 50
    truth[2, 20:40] = 4
    assert interesting_channels(truth) == [("highest pulse", 1, 5), ("longest signal", 2, 29)]
    assert interesting_channels(0 * truth) == [("no signal", 1, 50)]


def test_windows_are_summed_up():
    [line] = Window("", 0, 0, {"raw": np.array([[1.0, -3.0]])}).summary()
    assert line == {"window": "busiest", "panel": "raw", "mean": -1.0, "rms": 2.0, "min": -3.0, "max": 1.0}


def test_patches_know_whether_they_hold_signal(store_file):
    with Shown(str(store_file), "collection", {}, last=False) as shown:
        truth = np.abs(shown.truth())
        row, tick = (int(i) for i in np.unravel_index(truth.argmax(), truth.shape))
        [one] = patch_rows(shown, np.array([[row, tick]]), (1, 1))
        assert one == {"channel": int(shown.channels()[row]), "tick": tick, "height": 1, "width": 1, "signal": 1}
        assert shown.title("s") == "s: run 1 subrun 0 event 1, APA 0, plane X"
        assert shown.regions() is not None


def test_a_store_without_images_says_so(store_file, monkeypatch):
    monkeypatch.setattr(EventStore, "__len__", lambda self: 0)
    with pytest.raises(ProtoduneError, match="holds no image with collection planes"):
        Shown(str(store_file), "collection", {})
