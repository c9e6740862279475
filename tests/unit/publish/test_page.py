import numpy as np
import pytest

from protodune.detector.known.protodune_sp import DETECTOR
from protodune.events.store import EventStore
from protodune.publish.page.assembly import heads_of
from protodune.publish.page.images import LARGEST, decode, encode
from protodune.publish.page.layout import sortable_table
from protodune.publish.page.planes import gather_planes, wire_names
from protodune.publish.page.rulegraph import layers, parse_dot, rulegraph_svg

DOT = 'digraph snakemake_dag {\n 0[label = "all"];\n 1[label = "a"];\n 2[label = "b"];\n 1 -> 0\n 2 -> 1\n 2 -> 0\n}\n'


def test_pictures_are_lossless(rng):
    counts = rng.integers(-LARGEST, LARGEST + 1, (7, 31))
    counts[0, :4] = [-LARGEST, LARGEST, 0, -1]
    assert np.array_equal(decode(encode(counts)), counts)
    assert decode(encode(np.array([[40_000, -40_000]]))).tolist() == [[LARGEST, -LARGEST]]


def test_noise_costs_its_entropy_and_emptiness_next_to_nothing(rng):
    noise = np.rint(rng.normal(0, 5, (200, 2000))).astype(int)
    assert len(encode(noise)) < 200 * 2000 * 0.8, "4.4 bits a sample, times 4/3 for base64"
    assert len(encode(np.zeros_like(noise))) < 5000


def test_every_row_names_its_wires():
    for name, plane in DETECTOR.units[0].planes.items():
        names = wire_names(plane)
        assert len(names) == plane.n_channels, name
        assert all("wire" in text for text in names)
    collection = wire_names(DETECTOR.plane(0, "X"))
    assert collection[480] == "wire 0 of face 0"
    assert collection[0] == "wire 0 of face 1"


def test_the_graph_of_the_rules():
    rules, edges = parse_dot(DOT)
    assert rules == {"0": "all", "1": "a", "2": "b"}
    assert layers(rules, edges) == [["2"], ["1"], ["0"]]
    assert rulegraph_svg(DOT).count("<rect") == 3
    assert rulegraph_svg("digraph {}") == "<p>No rules.</p>"


def test_planes_say_what_the_browser_must_know(store_file):
    found, pictures = gather_planes([{"sample": "s", "events": str(store_file), "products": {}}], 100)
    assert [i["title"] for i in found["images"]] == [f"s: 1.0.1, APA 0, plane {p}" for p in "UVX"]
    by_plane = {i["title"][-1]: i for i in found["images"]}
    own = {plane: image["quantities"]["waveform"] for plane, image in by_plane.items()}
    assert (own["X"]["palette"], own["U"]["palette"]) == ("sequential", "diverging")
    assert own["X"]["range"] == (-20, 100)
    with EventStore(store_file) as store:
        for name, image in by_plane.items():
            plane = store.plane(name, 0)
            assert (image["tick_us"], image["rows"], image["ticks"]) == (plane.tick_us, plane.n_channels, store.ticks)
            boards = found["wirings"][image["wiring"]]["boards"]
            assert len(boards) == plane.n_channels
            assert set(boards) == set(plane.boards)
            waveform, charge = image["quantities"].values()
            clean = decode(pictures[waveform["truth"]]) * waveform["per_count"]
            assert np.array_equal(clean, store.clean(name, 0))
            electrons = decode(pictures[charge["truth"]]) * charge["per_count"]
            true = np.minimum(store.charge_image(name, 0), LARGEST * charge["per_count"])
            assert np.abs(electrons - true).max() <= charge["per_count"] / 2


def test_equal_wirings_are_kept_once(store_file):
    sample = {"sample": "s", "events": str(store_file), "products": {}}
    found, _ = gather_planes([sample, {**sample, "sample": "again"}], 100)
    assert (len(found["images"]), len(found["wirings"])) == (6, 3)


def test_heads_of_tables_are_those_of_the_metrics():
    row = {"detector": "d", "task": "denoise", "step": "denoise", "method": "raw", "mse": "1", "mse_error": "0", "auc": "1"}
    assert heads_of([row]) == {"method": "method", "mse": "MSE [ADC²]", "mse_error": "±", "auc": "region AUC"}
    assert "step" in heads_of([row, {**row, "step": "again"}])


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_tables_have_empty_cells_for_no_number(value):
    table = sortable_table([{"x": value}, {"x": "1"}], {"x": "x"})
    assert table.source.data["x"] == [None, 1.0]
