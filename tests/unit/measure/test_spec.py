import numpy as np
import pytest

from protodune.core.errors import ProtoduneError
from protodune.events.products import Place, Products, ProductWriter
from protodune.events.store import EventStore
from protodune.measure.measuring import measure_products, measured_rows, subjects
from protodune.measure.rows import COLUMNS
from protodune.measure.spec import Measure, Measured, Metric, find_measure, measure_names, measures_of, metrics_of
from protodune.tasks.spec import find_task, task_names

ABOUT = {"task": "denoise", "step": "denoise", "method": "raw", "sample": "s"}


@pytest.fixture(scope="module")
def raw(store_file, tmp_path_factory):
    """A method that gives raw waveforms, on collection."""
    path = tmp_path_factory.mktemp("products") / "raw.h5"
    with EventStore(store_file) as store:
        outputs = find_task("denoise").outputs
        with ProductWriter.open(path, store, "collection", outputs, {"task": "denoise"}) as writer:
            for plane in store.family("collection", 0):
                writer.write(Place(0, plane), {"denoised": store.waveforms(plane.name, 0)})
    return path


def test_every_measure_of_every_task_is_found():
    named = {m for task in task_names() for m in find_task(task).measures}
    assert named == set(measure_names())
    for name in measure_names():
        assert find_measure(name).name == name


def test_metrics_of_one_name_have_one_definition():
    found: dict[str, Metric] = {}
    for metric in (m for name in measure_names() for m in find_measure(name).metrics):
        assert found.setdefault(metric.name, metric) is metric, metric.name


def test_measures_of_a_level():
    assert [m.name for m in measures_of("denoise", "scores")] == [
        "waveforms",
        "charge",
        "electrons",
        "electron_errors",
        "regions",
    ]
    assert [m.name for m in measures_of("regions", "details")] == ["electrons_by_angle", "labels"]
    assert metrics_of(["regions"])["region_auc"].column == "region AUC"
    assert metrics_of(["denoise"])["mse"].label == "mean squared error [ADC²]"


def test_rows_say_what_they_are_of(raw, store_file):
    with EventStore(store_file) as store, Products(raw) as products:
        rows = measure_products(store, products, measures_of("denoise", "scores"), ABOUT)
    assert all(set(row) == set(COLUMNS) for row in rows)
    first = rows[0]
    assert (first["detector"], first["detector_unit"], first["family"], first["plane"]) == (
        "protodune_sp", 0, "collection", "X",
    )  # fmt: skip
    assert {r["channels"] for r in rows} == {"all", "drift"}
    assert {r["metric"]: r["unit"] for r in rows}["mse"] == "ADC²"
    assert "region_auc" not in {r["metric"] for r in rows}, "the method finds no regions"


def test_a_subject_reads_what_is_asked_for_and_once(raw, store_file):
    with EventStore(store_file) as store, Products(raw) as products:
        [subject] = subjects(store, products, "raw")
        assert subject.output("denoised") is subject.output("denoised")
        assert subject.clean is subject.clean
        assert subject.clean.shape == subject.true_charge.shape == (subject.plane.n_channels, store.ticks)
        assert len(subject.subsets["drift"]) == subject.good[subject.plane.drift_slice].sum()
        assert subject.good[subject.true_regions.row].all()
        with pytest.raises(ProtoduneError, match="has no 'regions' of plane X"):
            subject.output("regions")


def nothing(subject):
    yield Measured("new", np.nan)


def test_a_metric_without_definition_is_refused():
    measure = Measure(name="m", level="scores", needs=(), metrics=(Metric("old", "old"),), run=nothing)
    with pytest.raises(ProtoduneError, match="metric 'new' is not among its metrics: old"):
        list(measured_rows(measure, nothing(None), {}))


def test_an_unknown_level_is_refused():
    with pytest.raises(ProtoduneError, match="level 'score', expected scores or details"):
        Measure(name="m", level="score", needs=(), metrics=(), run=nothing)


def test_an_unknown_measure_is_refused():
    with pytest.raises(ProtoduneError, match="measure 'waveform' is unknown"):
        find_measure("waveform")
