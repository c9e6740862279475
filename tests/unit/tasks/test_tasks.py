"""Tasks: what a spec must hold, and the labels that the tasks of the package share."""

import numpy as np
import pytest

from protodune.core.errors import ProtoduneError
from protodune.events.products import Output
from protodune.events.store import EventStore
from protodune.events.truth import region_truth
from protodune.tasks.labels import clean_waveforms, majority, true_charge, true_regions_mask
from protodune.tasks.spec import Label, Loss, Task, find_task, task_names

OUTPUT = Output("denoised", "ADC", None)
LABEL = Label(clean_waveforms, majority, "i2")
LOSS = Loss(("mse",), "mse", "ADC²")
WHOLE = {"name": "t", "head": "t", "outputs": (OUTPUT,), "labels": {"denoised": LABEL}, "losses": {"denoised": LOSS}}


def test_the_tasks_of_the_package():
    assert task_names() == ["charge", "denoise", "regions"]
    denoise = find_task("denoise")
    assert denoise.learned() == ("denoised", "regions"), "charge has no label"
    assert denoise.output("charge").unit == "electrons"
    assert find_task("charge").learned() == ("charge", "regions")
    assert find_task("plugins.pixel_task").output("classes").channels == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scope": "detector"}, r"scope 'detector', expected plane \| unit \| event"),
        ({"losses": {}}, r"labels of \['denoised'\], losses of \[\], expected the same outputs"),
        ({"outputs": (Output("other", "", 1.0),)}, r"labels of \['denoised'\], expected outputs among \['other'\]"),
    ],
)
def test_a_task_that_cannot_be_is_refused(changes, message):
    with pytest.raises(ProtoduneError, match=message):
        Task(**{**WHOLE, **changes})


def test_an_unknown_task_gets_a_suggestion():
    with pytest.raises(
        ProtoduneError, match=r"task 'denose' is unknown \(did you mean 'denoise'\?\); known: charge, denoise, regions"
    ):
        find_task("denose")
    with pytest.raises(ProtoduneError, match=r"module plugins\.pixel_network has no TASK, expected one Task"):
        find_task("plugins.pixel_network")


def test_labels_of_an_event(store_file):
    with EventStore(store_file) as store:
        assert np.array_equal(clean_waveforms(store, "X", 0), store.clean("X", 0))
        mask = true_regions_mask(store, "X", 0)
        assert (mask.shape, mask.dtype) == ((960, store.ticks), np.uint8)
        truth = region_truth(store.charge_image("X", 0))
        assert np.array_equal(majority(mask, 10), truth), "ten ticks are labelled together"
        assert np.array_equal(true_charge(store, "X", 0), store.charge_image("X", 0))


def test_without_true_charge_the_waveform_says_it(store_file, monkeypatch):
    monkeypatch.setattr(EventStore, "has_charge", False)
    with EventStore(store_file) as store:
        wanted = np.abs(store.clean("X", 0)) >= 3.5
        assert np.array_equal(true_regions_mask(store, "X", 0).astype(bool), wanted)


def test_an_output_that_a_task_does_not_have_is_named():
    with pytest.raises(ProtoduneError, match="task denoise: has no output 'region', expected one of denoised"):
        find_task("denoise").output("region")
