import pytest

from helpers import REPOSITORY
from protodune.learning.features.registry import feature_set
from protodune.detector.geometry import PLANE_FAMILIES
from protodune.learning.inference import fold_norms, infer_plane
from protodune.measure.waveforms import roi_metrics
from protodune.learning.weights import load_weights
from protodune.events.truth import rebinned, roi_truth
from protodune.events.store import EventStore

WEIGHTS = sorted((REPOSITORY / "zoo").glob("*.safetensors"))


@pytest.mark.parametrize("path", WEIGHTS, ids=lambda p: p.stem)
def test_shipped_weights_find_the_regions_of_an_event(path, store_file):
    architecture, family = path.stem.split(".")
    model, about = load_weights(path, {"architecture": architecture, "family": family})
    assert path.stat().st_size < 10e6
    fold_norms(model)
    features = feature_set(model.features)
    with EventStore(store_file) as store:
        for plane in PLANE_FAMILIES[family]:
            score = infer_plane(model, features.build(store, plane, 0), "float32").roi
            found = (score if features.rebin > 1 else rebinned(score)) >= about["roi_threshold"]
            quality = roi_metrics(found, roi_truth(store.charge_image(plane, 0)))
            assert quality["pixel_purity"] > 0.8
            assert quality["pixel_efficiency"] > (0.6 if path.stem == "unet.induction" else 0.8)


def test_there_are_weights_for_every_plane():
    assert {path.stem for path in WEIGHTS} == {"dnnroi.induction", "unet.collection", "unet.induction"}
