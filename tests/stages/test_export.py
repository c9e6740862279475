"""The way back to ROOT: what a method made, with the regions that it finds itself."""

import json

import numpy as np
import pytest
import uproot

from helpers import REPOSITORY, TICKS, one_line_error, run_module
from protodune.core.errors import ProtoduneError
from protodune.core.files import checksum
from protodune.events.products import Place, Products, ProductWriter
from protodune.events.regions import from_runs
from protodune.events.store import EventStore
from protodune.learning.method import NetworkSettings, infer_sample, load_method
from protodune.measure.known.labels import regions_by_label
from protodune.measure.measuring import measure_products
from protodune.measure.spec import find_measure
from protodune.stages.produce import export
from protodune.tasks.known.denoise import TASK

WEIGHTS = REPOSITORY / "zoo" / "unet.induction.safetensors"
ABOUT = {"task": "denoise", "step": "denoise", "method": "zoo.v1", "sample": "s"}


def exported(folder, store_file, *products, options=()):
    argv = ["--events", store_file, "--products", *products, "--output", folder / "p.root", *options]
    assert export.main(list(map(str, argv))) == 0
    with uproot.open(folder / "p.root") as file:
        head = json.loads(str(file["protodune_about"]))
        return head, {key.split(";")[0]: file[key].arrays(library="np") for key in file.keys() if "about" not in key}  # noqa: SIM118


def written(path, store_file, **images):
    with (
        EventStore(store_file) as store,
        ProductWriter.open(path, store, "collection", TASK.outputs, {"method": "m"}) as writer,
    ):
        writer.write(Place(0, store.plane("X", 0)), images)
    return path


def regions_of(tree):
    return list(zip(*(tree[name].tolist() for name in ("channel", "begin", "end")), strict=True))


def test_products_go_back_to_root(tmp_path, store_file):
    denoised = np.zeros((960, TICKS), np.float32)
    denoised[100, 50:60] = 20
    denoised[100, 200] = -8
    denoised[301, 10] = 2
    score = np.zeros((960, TICKS), np.float32)
    score[100, 45:70] = 1
    score[300, TICKS - 3 :] = 0.6
    score[301, 10] = 0.4
    product = written(tmp_path / "p.h5", store_file, denoised=denoised, regions=score)
    head, trees = exported(tmp_path, store_file, product)
    assert set(trees) == {"denoised", "regions"}
    assert trees["denoised"]["channel"].tolist() == list(range(1600, 2560))
    assert np.array_equal(trees["denoised"]["adc"], denoised)
    assert regions_of(trees["regions"]) == [(1700, 45, 70), (1900, TICKS - 3, TICKS)], "not where values are large"
    for tree in trees.values():
        place = {name: set(tree[name]) for name in ("run", "subrun", "event", "timestamp", "detector", "unit", "plane")}
        assert place == {
            "run": {1}, "subrun": {0}, "event": {1}, "timestamp": {0}, "detector": {"protodune_sp"}, "unit": {0},
            "plane": {"X"},
        }  # fmt: skip
    assert (head["detector"], head["ticks"], head["tick_ns"]) == ("protodune_sp", TICKS, 500.0)
    assert head["denoised_runs_adc"] is None
    assert head["products"]["collection"]["region_threshold"] == 0.5
    assert head["versions"]["uproot"]


def test_charge_goes_back_by_run(tmp_path, store_file):
    charge = np.zeros((960, TICKS), np.float32)
    charge[100, 50:54] = (400, 0, 800, 1200)  # a zero inside is no end
    charge[300, TICKS - 1] = 44
    _, trees = exported(tmp_path, store_file, written(tmp_path / "p.h5", store_file, charge=charge))
    assert set(trees) == {"charge"}
    tree = trees["charge"]
    assert regions_of(tree) == [(1700, 48, 56), (1900, TICKS - 3, TICKS)]
    assert tree["electrons"].tolist() == [2400, 44]
    assert [values.tolist() for values in tree["per_tick"]] == [[0, 0, 400, 0, 800, 1200, 0, 0], [0, 0, 44]]
    assert tree["nper_tick"].tolist() == [8, 3]
    assert np.isnan(tree["error"]).all(), "the method does not know its errors"


def test_charge_has_its_error(tmp_path, store_file):
    charge, error = np.zeros((2, 960, TICKS), np.float32)
    charge[100, 50:54] = (400, 0, -8, 1200)
    error[100, 50:55] = 20
    error[300, 10:12] = 5
    _, trees = exported(tmp_path, store_file, written(tmp_path / "p.h5", store_file, charge=charge, charge_error=error))
    tree = trees["charge"]
    assert set(trees) == {"charge"}
    assert regions_of(tree) == [(1700, 50, 55), (1900, 10, 12)]
    assert tree["electrons"].tolist() == [1592, 0]
    assert tree["error"].tolist() == [100, 10]


def test_runs_of_large_values_are_exported_where_they_are_asked_for(tmp_path, store_file):
    denoised = np.zeros((960, TICKS), np.float32)
    denoised[100, 50:60] = 20
    denoised[100, 200] = -8
    denoised[301, 10] = 2
    product = written(tmp_path / "p.h5", store_file, denoised=denoised)
    head, trees = exported(tmp_path, store_file, product, options=("--denoised-runs-adc=3.5",))
    assert set(trees) == {"denoised", "denoised_runs"}, "the method finds no regions"
    assert regions_of(trees["denoised_runs"]) == [(1700, 50, 60), (1700, 200, 201)]
    assert head["denoised_runs_adc"] == 3.5
    assert head["products"]["collection"]["region_threshold"] is None


def test_regions_alone_can_be_exported(tmp_path, store_file):
    score = np.zeros((960, TICKS), np.float32)
    score[7, 8:9] = 1
    _, trees = exported(tmp_path, store_file, written(tmp_path / "p.h5", store_file, regions=score))
    assert set(trees) == {"regions"}
    assert regions_of(trees["regions"]) == [(1607, 8, 9)]


def test_an_export_that_cannot_be_is_one_line(tmp_path, store_file):
    charge = written(tmp_path / "nothing.h5", store_file)
    with pytest.raises(ProtoduneError, match="none of 'denoised', 'charge', 'regions', expected one of them"):
        export.run(str(store_file), [str(charge)], str(tmp_path / "p.root"))
    with pytest.raises(ProtoduneError, match=r"a second file of collection planes beside .*, expected one per family"):
        export.run(str(store_file), [str(charge), str(charge)], str(tmp_path / "p.root"))
    result = run_module(
        "stages.produce.export", "--events", store_file, "--products", store_file, "--output", tmp_path / "p.root"
    )
    assert "found format protodune-events" in one_line_error(result, "export")
    assert not (tmp_path / "p.root").exists()


@pytest.fixture(scope="module")
def network_product(store_file, tmp_path_factory):
    """What the shipped U-Net makes of the induction planes."""
    path = tmp_path_factory.mktemp("network") / "unet.h5"
    method = load_method(NetworkSettings("denoise"), "induction", str(WEIGHTS), threads=2)
    infer_sample(method, "denoise", "zoo.v1", str(store_file), str(path))
    return path


def test_the_regions_are_those_of_the_network_as_they_are_measured(tmp_path, store_file, network_product):
    head, trees = exported(tmp_path, store_file, network_product)
    rows = trees["regions"]
    with EventStore(store_file) as store, Products(network_product) as products:
        measured = measure_products(store, products, [find_measure("labels")], ABOUT)
        for plane in store.family("induction", 0):
            here = rows["plane"] == plane.name
            row = rows["channel"][here].astype(int) - plane.first_channel
            found = from_runs(row, rows["begin"][here], rows["end"][here], (plane.n_channels, store.ticks))
            assert found.any()
            score = products.image("regions", plane.name, 0)
            assert np.array_equal(found, score >= products.threshold)
            large = np.abs(products.image("denoised", plane.name, 0)) > 3.5
            assert (found & large).sum() < 0.9 * (found | large).sum(), "they are not where values are large"
            by_label = list(regions_by_label(found, store.clean(plane.name, 0)))
            wanted = [r for r in measured if r["plane"] == plane.name and r["metric"] != "region_auc_by_waveform"]
            assert [(m.metric, m.low, m.value) for m in by_label[:-4]] == [
                (r["metric"], r["low"], r["value"]) for r in wanted[:-4]
            ]
            assert [m.value for m in by_label[-4:]] == [r["value"] for r in wanted[-4:]]
        assert head["products"]["induction"]["region_threshold"] == products.threshold != 0.5


def test_the_head_says_what_made_the_file(tmp_path, store_file, network_product):
    about = exported(tmp_path, store_file, network_product)[0]["products"]["induction"]
    assert about["file"] == str(network_product)
    assert (about["method"], about["step"], about["task"]) == ("zoo.v1", "denoise", "denoise")
    assert about["weights_sha256"] == checksum(WEIGHTS)
    assert about["versions"]["torch"]
