import pytest

from protodune.core.errors import ProtoduneError
from protodune.core.tables import write_table
from protodune.measure.average import all_keys, average_rows
from protodune.measure.curves import OTHER, SIGNAL, areas_and_points
from protodune.measure.headline import gather, headline_metrics
from protodune.measure.reproduction import reproduction_rows
from protodune.measure.rows import COLUMNS, read_rows, require_one_detector
from protodune.measure.table import by_angle, summarise
from protodune.publish.reproduction_table import reproduction_blocks
from protodune.publish.tables import headline_blocks, lost_events_page, methods_blocks
from protodune.publish.typeset import markdown


def score(value, event="1", **more):
    place = {"detector": "protodune_sp", "task": "denoise", "step": "denoise", "method": "raw", "sample": "s", "run": "1",
             "subrun": "0", "event": event, "detector_unit": "0", "family": "collection", "plane": "X"}  # fmt: skip
    number = {"channels": "all", "metric": "mse", "unit": "ADC²", "low": "nan", "high": "nan", "value": str(value)}
    return {**place, **number, **more}


def test_the_table_for_people():
    rows = [score(v, str(e), channels=c) for c in ("all", "drift") for e, v in enumerate((2.0, 4.0))]
    text = markdown(methods_blocks(summarise(rows)))
    assert "### denoise, collection planes, all channels, 2 events" in text
    assert "### denoise, collection planes, drift-facing half, 2 events" in text
    assert "| method | MSE [ADC²] |" in text
    assert "| raw | 3 ± 1 |" in text
    assert "±" not in markdown(methods_blocks(summarise(rows[:1])))


def test_each_step_has_a_block_with_its_own_metrics():
    rows = [score(2), score(0.9, task="regions", step="mine", metric="pixel_purity", unit="")]
    blocks = methods_blocks(summarise(rows))
    assert [b.heads for b in blocks] == [["method", "MSE [ADC²]"], ["method", "pixel pur."]]
    assert len(summarise([score(2), score(4, step="again")])) == 2, "two steps are never averaged"


def test_two_tasks_are_never_averaged():
    """The same numbers of the same method, asked for by two tasks in steps of one name: no table takes them together."""
    rows = [score(2), score(4, task="regions")]
    assert [(r["task"], r["value"]) for r in summarise(rows)] == [("denoise", 2.0), ("regions", 4.0)]
    assert len(by_angle(rows, {"s": ("X", 80.0)})) == 2
    keys = all_keys(COLUMNS, ["method", "family", "channels", "metric", "low", "high"])
    assert [r["value"] for r in average_rows(rows, keys)] == [2.0, 4.0]
    counts = [
        score(n, task=task, metric=metric, low=low, high=low)
        for task in ("denoise", "regions")
        for metric in (SIGNAL, OTHER)
        for low, n in (("-inf", 10), ("inf", 0))
    ]
    areas, points = areas_and_points(counts)
    assert [r["task"] for r in areas] == ["denoise", "regions"]
    assert {r["task"] for r in points} == {"denoise", "regions"}
    table = [{k: str(v) for k, v in r.items()} for r in summarise(rows)]
    assert [r["mse"] for r in gather(table, [], {}) if r["task"] == "denoise"] == [2.0]
    blocks = methods_blocks(summarise(rows))
    assert [block.lines for block in blocks] == [[["raw", "2"]], [["raw", "4"]]]


def test_a_metric_that_no_measure_knows_is_one_line():
    rows = summarise([score(2, metric="msee")])
    with pytest.raises(
        ProtoduneError, match=r"metric 'msee' \(did you mean 'mse'\?\) is in no measure of the tasks of this"
    ):
        methods_blocks(rows)


def test_counts_by_threshold_are_no_part_of_the_table():
    assert summarise([score(2), score(9, metric="signal_pixels_found", low="0.5", high="0.5")]) == summarise([score(2)])


def test_two_detectors_are_refused_unless_asked_for(tmp_path):
    rows = [score(2), score(3, detector="other")]
    with pytest.raises(ProtoduneError, match="detectors protodune_sp and other, expected those of one"):
        require_one_detector(rows, mixed=False)
    require_one_detector(rows, mixed=True)
    assert len(summarise(rows)) == 2, "and never averaged"


def test_tables_of_other_columns_are_read_together(tmp_path):
    write_table(tmp_path / "a.tsv", [], ["x", "y"])
    write_table(tmp_path / "b.tsv", [{"y": 1, "z": 2}], ["y", "z"])
    assert read_rows([tmp_path / "a.tsv", tmp_path / "b.tsv"]) == (["x", "y", "z"], [{"y": "1", "z": "2"}])


def test_angles_are_of_the_plane_that_they_are_across():
    rows = [score(1, sample="u80", plane="U"), score(2, sample="u80", plane="V"), score(3, sample="u75", plane="U")]
    found = by_angle(rows, {"u80": ("U", 80.0), "u75": ("U", 75.0)})
    assert [(r["plane"], r["theta_deg"], r["value"]) for r in found] == [("U", 75.0, 3.0), ("U", 80.0, 1.0)]


def test_the_headline_is_by_step_and_shows_what_there_is():
    table = [
        {k: str(v) for k, v in r.items()} for r in summarise([score(2), score(2, step="again", metric="psnr", unit="dB")])
    ]
    areas = [{**table[0], "auc": "0.9", "error": "0.01", "events": "3"}]
    metrics = headline_metrics(table)
    assert [m.name for m in metrics] == ["mse", "psnr", "auc"]
    rows = gather(table, areas, {("denoise", "collection", "raw"): 1234})
    first = rows[0]
    assert (first["step"], first["auc"], first["parameters"], first["events"]) == ("denoise", 0.9, 1234, 3)
    times = [{"step": "denoise", "family": "collection", "method": "raw", "seconds_per_image": 2.5}]
    text = markdown(headline_blocks(rows, metrics, times))
    assert "| method | MSE [ADC²] | region AUC | s per APA | parameters |" in text
    assert "| raw | 2 | 0.9 ± 0.01 | 2.5 | 1,234 |" in text
    assert "### again, collection planes, all channels, 1 event\n" in text


def test_the_reproduction_has_metrics_by_cut_and_shares():
    details = [{**score(0.5), "metric": m, "low": low, "error": "nan", "events": "1"}
               for m, low in (("dunedn_mse_by_cut", "0"), ("dunedn_mse_by_cut", "3.5"), ("true_positive_share", "nan"),
                              ("amplitude_bias", "3.5"))]  # fmt: skip
    rows = reproduction_rows(details)
    assert [r["cut_adc"] for r in rows] == ["0", "3.5", "nan"]
    text = markdown(reproduction_blocks(rows))
    assert "statSSIM (DUNEdn)" in text
    assert "| raw | 3.5 | – | – | 0.5 |" in text
    assert "true positive" in text


def test_lost_events_are_listed():
    assert "No event was left out" in lost_events_page([])
    assert "s, entry 3: &lt;bad&gt;" in lost_events_page([{"sample": "s", "entry": 3, "cause": "<bad>"}])
