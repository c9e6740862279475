"""A small detector of two units and a task of three classes that follows the denoising: from simulation to figures.

The detector has other plane sizes, ticks of 512 ns, 14 bits, and a plane that induces in one unit and collects in the other.
"""

import numpy as np
import pytest

from helpers import run_snakemake
from protodune.core.tables import read_table
from protodune.events.products import Products
from protodune.events.store import EventStore

HEADER = "sample\tsplit\tkind\tsource\tdetector\tseed\tevents\tunits\n"
DETECTOR = "plugins.small_detector"
CONFIG = """
samples: samples.tsv
trials: trials.tsv
simulation: {ticks: 768, cosmics_per_unit: 20}
steps:
  classes: {task: plugins.pixel_task, reads: {denoise: unet.base}}
patches:
  small: {height: 24, width: 64, per_image: 24, signal_fraction: 0.7, val_per_image: 8}
models:
  unet: {settings: {widths: [4, 8]}, patches: small, training: {epochs: 3, global_batch: 4, micro_batch: 2}}
  pixels:
    network: plugins.pixel_network
    patches: small
    training: {epochs: 6, global_batch: 4, micro_batch: 2, learning_rate: 1.0e-2}
methods:
  coherent: {steps: [tails, low_pass, coherent]}
  deconvolution: null
  zeros: null
  wiener: null
  raw_cut20: null
  coherent_cut12: null
  coherent_cut15: null
  threshold_regions: null
  deconvolution_regions: null
figures: {network: unet.base, classical: coherent}
"""
TRIALS = """trial\tstep\tmodel\tfamily
base\tdenoise\tunet\tinduction
base\tdenoise\tunet\tcollection
base\tclasses\tpixels\tcollection
"""


def rows(*lines):
    return HEADER + "".join("\t".join(line) + "\n" for line in lines)


SAMPLES = rows(
    ("train", "train", "simulation", "simulation", DETECTOR, "1", "2", "0,1"),
    ("val", "val", "simulation", "simulation", DETECTOR, "2", "1", "0,1"),
    ("test", "test", "simulation", "simulation", DETECTOR, "3", "1", "0,1"),
)


def chain(folder, config=CONFIG, samples=SAMPLES, trials=TRIALS):
    (folder / "chain.yaml").write_text(config)
    (folder / "samples.tsv").write_text(samples)
    (folder / "trials.tsv").write_text(trials)

    def run(*arguments):
        return run_snakemake(*arguments, "--configfile", folder / "chain.yaml", directory=folder, profile="local")

    return run


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("a b $(touch x) ü")
    run = chain(folder)
    result = run("all", "results/figures/residuals.induction.png", "results/figures/noise.collection.test.png")
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-6000:]
    return folder / "results"


def test_the_name_of_the_folder_was_not_run(finished):
    assert "$(touch x)" in finished.parent.name
    assert not (finished.parent / "x").exists()


def test_the_store_knows_its_detector(finished):
    with EventStore(finished / "events" / "test.h5") as store:
        assert (store.detector.name, store.detector.tick_ns) == (DETECTOR, 512.0)
        assert len(store) == 2
        families = [[p.name for p in store.family("collection", image)] for image in (0, 1)]
        assert families[0] != families[1], "V induces in one unit and collects in the other"


def test_classes_are_probabilities_and_better_than_the_majority(finished):
    with EventStore(finished / "events" / "test.h5") as store:
        path = finished / "products" / "classes" / "pixels.base" / "collection" / "test.h5"
        with Products(path) as products:
            scores = products.image("classes", "X", 0)
            assert scores.shape == (3, store.plane("X", 0).n_channels, store.ticks)
            good = ~store.bad("X", 0)
            assert np.allclose(scores[:, good].sum(axis=0), 1, atol=0.02)
    table = {(r["family"], r["metric"]): float(r["value"]) for r in read_table(finished / "tables" / "methods.tsv")
             if r["step"] == "classes" and r["channels"] == "all"}  # fmt: skip
    assert table["collection", "recall_track"] > 0.3, "the majority is nothing everywhere"


def test_a_table_never_averages_two_tasks(finished):
    found = {(r["task"], r["step"], r["method"]) for r in read_table(finished / "tables" / "methods.tsv")}
    assert ("plugins.pixel_task", "classes", "pixels.base") in found
    assert ("denoise", "denoise", "unet.base") in found
    text = (finished / "tables" / "methods.md").read_text()
    assert "unet.base" in text
    assert "pixels.base" in text


def test_denoising_helps_on_this_detector_too(finished):
    mse = {r["method"]: float(r["value"]) for r in read_table(finished / "tables" / "methods.tsv")
           if (r["family"], r["channels"], r["metric"], r["step"]) == ("collection", "all", "mse", "denoise")}  # fmt: skip
    assert mse["unet.base"] < mse["raw"]
    assert mse["coherent"] < mse["raw"]


def test_figures_and_their_axes_are_of_this_detector(finished):
    for name in ("display.collection.test", "residuals.induction", "noise.collection.test", "training.collection"):
        assert (finished / "figures" / f"{name}.png").stat().st_size > 5000, name
    assert "tick (0.512 µs)" in (finished / "figures" / "display.collection.test.svg").read_text()


def refused(folder, config=CONFIG, samples=SAMPLES, trials=TRIALS):
    result = chain(folder, config, samples, trials)("-n")
    assert result.returncode != 0
    output = result.stdout + result.stderr
    assert "Traceback" not in output
    assert not (folder / "results").exists()
    return output


def test_bad_chains_are_refused_before_anything_runs(tmp_path):
    cycle = CONFIG.replace("steps:\n", "steps:\n  denoise: {task: denoise, reads: {classes: pixels.base}}\n")
    assert "the steps read each other in a cycle" in refused(tmp_path, cycle)
    assert "found no step 'denose' (did you mean 'denoise'?)" in refused(
        tmp_path, CONFIG.replace("{denoise: unet", "{denose: unet")
    )
    assert "found no method 'unet.bas' in step denoise (did you mean 'unet.base'?)" in refused(
        tmp_path, CONFIG.replace("reads: {denoise: unet.base}", "reads: {denoise: unet.bas}")
    )


def test_what_a_network_does_not_serve_is_refused_before_anything_runs(tmp_path):
    wrong = TRIALS.replace("classes\tpixels", "classes\tunet")
    assert "network unet does not serve task plugins.pixel_task of step classes" in refused(tmp_path, trials=wrong)


def test_two_detectors_in_one_table_are_refused_unless_asked_for(tmp_path):
    two = SAMPLES + "\t".join(("other", "test", "simulation", "simulation", "protodune_sp", "4", "1", "0")) + "\n"
    assert "split test has samples of several detectors" in refused(tmp_path, samples=two)
    assert chain(tmp_path, CONFIG + "mixed_detectors: true\n", two)("-n").returncode == 0
