import pytest

from helpers import REPOSITORY
from protodune.events.store import EventStore
from protodune.events.truth import rebinned, region_truth
from protodune.learning.inference import fold_norms, infer_plane
from protodune.learning.weights import load_weights

WEIGHTS = sorted((REPOSITORY / "zoo").glob("*.safetensors"))


@pytest.mark.parametrize("path", WEIGHTS, ids=lambda p: p.stem)
def test_shipped_weights_find_the_regions_of_an_event(path, store_file):
    name, family = path.stem.split(".")
    network, about = load_weights(path, {"network": name.split("_")[0], "family": family})
    assert path.stat().st_size < 10e6
    fold_norms(network.module)
    features = network.features
    with EventStore(store_file) as store:
        for plane in (p.name for p in store.family(family, 0)):
            score = infer_plane(network, features.build(store, plane, 0, {}))["regions"]
            found = (score if features.rebin > 1 else rebinned(score)) >= about["threshold"]
            truth = region_truth(store.charge_image(plane, 0))
            both = (found & truth).sum()
            assert both / found.sum() > 0.8
            assert both / truth.sum() > (0.6 if path.stem == "unet.induction" else 0.8)


def test_there_are_weights_for_every_family():
    assert {path.stem for path in WEIGHTS} == {
        "dnnroi.induction",
        "dnnroi_charge.induction",
        "unet.collection",
        "unet.induction",
    }
