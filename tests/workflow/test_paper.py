"""The paper by the README's commands: on a small configuration with a sample of real digits, signals added to it, angles."""

import json
import re
import shutil

import pytest

from clones import BLOCKS, Clone, merge
from helpers import DATA
from protodune.core.files import checksum
from protodune.core.tables import read_table

PAPER, VERIFY = BLOCKS[3][-2:]
TRACKS = '{"content": "ideal_tracks"'
SAMPLES = f"""sample\tsplit\tkind\tsource\tdetector\tseed\tevents\tunits\tsimulation
cosmics\ttest\tsimulation\tsimulation\t\t1\t2\t1\t
track_u80\ttest\tsimulation\tsimulation\t\t2\t1\t0\t{TRACKS}, "ideal_theta_xz_deg": [80], "ideal_plane": "U"}}
track_x60\ttest\tsimulation\tsimulation\t\t3\t1\t0\t{TRACKS}, "ideal_theta_xz_deg": [60], "ideal_plane": "X"}}
run\ttest\tdata\tart_decoder_data.root
run_injected\ttest\tdata\tinject:run\t\t4\t\t\t{{"content": "cosmic", "cosmics_per_unit": 60}}
"""


@pytest.fixture(scope="module")
def paper(tmp_path_factory):
    """A copy of the repository with a small paper, and its results."""
    clone = Clone(tmp_path_factory.mktemp("paper"))
    shutil.copy(DATA / "art_decoder_data.root", clone.folder)
    config = clone.config("config.yaml")
    config = merge(config, {"simulation": {"ticks": 1024, "cosmics_per_unit": 20}})
    config["methods"] = {m: config["methods"][m] for m in ("raw", "deconvolution_regions")}
    config["figures"]["classical"] = "deconvolution_regions"
    clone.write_config("config.yaml", config)
    small = clone.config("paper.yaml")
    small["figures"]["compared"] = ["zoo.v1", "deconvolution_regions"]
    small["scaling"]["networks"] = small["speed"]["networks"] = []  # times have tests of their own
    clone.write_config("paper.yaml", small)
    (clone.folder / "config" / "paper" / "samples.tsv").write_text(SAMPLES)
    shutil.copy(clone.folder / "config" / "clean" / "trials.tsv", clone.folder / "config" / "paper" / "trials.tsv")
    clone.run(PAPER)
    return clone


def test_every_figure_is_there_with_its_numbers(paper):
    text = (paper.results / "paper" / "paper.md").read_text()
    pictures = re.findall(r"!\[(\w+)\]\(\.\./(.+?)\)", text)
    assert {kind for kind, _ in pictures} == {
        "angles", "angles_charge", "display", "zoom", "waveforms", "metrics", "residuals", "amplitude", "charge",
        "electrons", "ionisation", "regions", "labels", "noise", "boards", "checks", "crossings", "injection", "simulation",
    }  # fmt: skip
    for _, path in pictures:
        picture = paper.results / path
        for suffix in (".png", ".svg"):
            assert picture.with_name(picture.stem + suffix).stat().st_size > 1000
    assert text.count("## Table") == 3
    assert "Sample run: data from art_decoder_data.root." in text
    assert "embedded simulation, preset realistic, cosmic, 2 event(s), units 1, seed 1" in text
    tex = (paper.results / "paper" / "paper.tex").read_text()
    assert tex.count(r"\includegraphics") == len(pictures)
    assert tex.count(r"\begin{table}") == tex.count(r"\end{table}") > 5


def test_real_digits_go_through_end_to_end(paper):
    noise = read_table(paper.results / "tables" / "noise.induction.run.tsv")
    found = {r["quantity"] for r in noise if r["method"] == "zoo.v1"}
    assert found >= {"noise_rms", "spectrum", "autocorrelation", "board_correlation", "coherent_residual"}
    rms = [float(r["raw"]) for r in noise if r["quantity"] == "noise_rms" and r["method"] == "zoo.v1"]
    assert rms
    assert 0.5 < sum(rms) / len(rms) < 30
    assert not (paper.results / "measurements" / "scores" / "denoise" / "zoo.v1" / "induction" / "run.tsv").exists(), (
        "it has no truth"
    )
    assert (paper.results / "figures" / "noise.induction.run.png").is_file()
    injected = [
        read_table(paper.results / "tables" / f"injection.{p}.run_injected.tsv") for p in ("induction", "collection")
    ]
    assert {r["method"] for rows in injected for r in rows} <= {"zoo.v1", "deconvolution_regions"}
    assert any(rows for rows in injected), "the signals met channels that the file has"


def test_the_headline_has_networks_and_classical_methods_on_one_footing(paper):
    rows = read_table(paper.results / "tables" / "headline.tsv")
    assert {(r["family"], r["method"]) for r in rows} == {
        (p, m) for p in ("induction", "collection") for m in ("raw", "deconvolution_regions", "zoo.v1")
    }
    network = next(r for r in rows if r["method"] == "zoo.v1" and r["family"] == "collection")
    assert network["parameters"] == "355932"
    assert 0.5 < float(network["auc"]) <= 1
    seconds = read_table(paper.results / "tables" / "timing.tsv")
    assert all(float(r["seconds_per_image"]) > 0 for r in seconds)


def test_angles_are_of_their_planes_and_not_in_the_tables(paper):
    angles = read_table(paper.results / "tables" / "angles.tsv")
    assert {(r["plane"], r["theta_deg"]) for r in angles} == {("U", "80"), ("X", "60")}
    assert {r["events"] for r in read_table(paper.results / "tables" / "methods.tsv")} <= {"0", "1", "2"}


def test_the_page_and_the_manifest(paper):
    page = (paper.results / "report" / "index.html").read_text()
    assert len(page) < 30e6
    assert "run: " in page
    assert "make_headline" in page, "the graph of the rules"
    manifest = json.loads((paper.results / "manifest.json").read_text())
    assert manifest["settings"]["figures"]["network"] == "zoo.v1"
    assert manifest["samples"]["run"] == "data from art_decoder_data.root"
    assert manifest["products"]["events/run.h5"]["about"]["sample"] == "run"
    assert "report/index.html" in manifest["products"]


def test_snakemakes_report_bundles_the_evidence(paper):
    paper.run(PAPER + " --report report.html")
    text = (paper.folder / "report.html").read_text()
    for name in (
        "angles.all.png",
        "noise.induction.run.png",
        "injection.collection.run_injected.png",
        "headline.html",
        "index.html",
    ):
        assert name in text


def test_verify_finds_what_was_changed(paper):
    assert "products are as they were made" in paper.run(VERIFY)
    table = paper.results / "tables" / "angles.tsv"
    text = table.read_text()
    table.write_text(text.replace("80", "81", 1))
    try:
        said = paper.run(VERIFY, expected=1)
    finally:
        table.write_text(text)
    assert "changed: tables/angles.tsv" in said
    head, error, log, what_to_do = said.splitlines()[-4:]
    assert head == "protodune: 1 job failed:"
    assert re.fullmatch(r"verify: error: results/manifest\.json: 1 of \d+ products are not as they were made; run .*", error)
    assert log == "  log: results/logs/verify/verify.log"
    assert what_to_do.startswith("Mend what the message says and give the same command again: what is finished is kept.")


def test_nothing_is_left_to_do_and_one_figure_redraws_alone(paper):
    assert "Nothing to be done" in paper.run(PAPER + " --dry-run")
    assert set(paper.planned(PAPER + " --until draw_figure --forcerun draw_figure")) == {"draw_figure"}


def test_the_same_seed_gives_the_same_bytes(paper, tmp_path):
    wanted = ["tables/methods.tsv", "tables/details.collection.tsv", "tables/angles.tsv", "figures/regions.collection.png",
              "figures/residuals.collection.png", "figures/display.collection.cosmics.png",
              "figures/noise.collection.cosmics.png"]  # fmt: skip
    targets = " ".join(f"results/{name}" for name in wanted)
    command = PAPER.replace(" paper ", f" {targets} ", 1)
    shutil.copy(DATA / "art_decoder_data.root", tmp_path)
    paper.run(f"{command} --directory {tmp_path}")
    for name in wanted:
        again = tmp_path / "results" / name
        assert checksum(again) == checksum(paper.results / name), name
        if name.startswith("figures/"):
            assert checksum(again.with_name(again.stem + ".tsv")) == checksum((paper.results / name).with_suffix(".tsv"))
