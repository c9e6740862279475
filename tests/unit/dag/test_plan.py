"""What a plan asks for: samples and methods by kind, figures by subject, the paper."""

import json
from types import SimpleNamespace

import pytest
import yaml

from helpers import REPOSITORY
from protodune.dag.config_check import FIGURE_TABLES, check_config
from protodune.dag.digest import closure
from protodune.dag.figures import Figures
from protodune.dag.files import Files
from protodune.dag.job_code import JobCode
from protodune.dag.job_settings import JobSettings
from protodune.dag.paper import Paper
from protodune.dag.selection import Selection

TRACKS = '"content": "ideal_tracks", "ideal_plane": "U"'
SAMPLES = f"""sample\tsplit\tkind\tsource\tseed\tevents\tunits\tsimulation
cosmics\ttest\tsimulation\tsimulation\t1\t1\t0\t
u80\ttest\tsimulation\tsimulation\t2\t1\t0\t{{{TRACKS}, "ideal_theta_xz_deg": [80]}}
many\ttest\tsimulation\tsimulation\t2\t1\t0\t{{{TRACKS}, "ideal_theta_xz_deg": [0, 80]}}
run\ttest\tdata\trun.root
injected\ttest\tdata\tinject:run\t3\t\t\t{{"cosmics_per_unit": 6}}
"""


class Planned:
    """All that the rules files ask."""

    def __init__(self, config):
        self.of = Selection(check_config(config))
        self.files, self.settings, self.code = Files(self.of), JobSettings(self.of), JobCode(self.of)
        self.figures = Figures(self.of, self.files)
        self.paper = Paper(self.of, self.files, self.figures)


@pytest.fixture
def plan(tmp_path):
    def made(samples=SAMPLES, trials=None, figures=None, **changes):
        config = yaml.safe_load((REPOSITORY / "config" / "config.yaml").read_text())
        config |= yaml.safe_load((REPOSITORY / "config" / "clean.yaml").read_text()) | changes
        config["figures"] |= figures or {}
        (tmp_path / "samples.tsv").write_text(samples)
        config["samples"] = str(tmp_path / "samples.tsv")
        if trials:
            (tmp_path / "trials.tsv").write_text("trial\tstep\tmodel\tfamily\n" + "".join(f"{t}\n" for t in trials))
            config["trials"] = str(tmp_path / "trials.tsv")
        return Planned(config)

    return made


def test_each_kind_of_sample_is_used_in_its_own_way(plan):
    p = plan()
    assert p.of.compared() == ["cosmics", "many"], "with truth, at more than one angle"
    assert p.of.angles() == {"u80": ("U", 80.0)}
    assert p.of.checked() == ["cosmics", "many", "run"]
    assert p.of.injected() == ["injected"]
    assert p.of.converted() == ["cosmics", "u80", "many", "run"]
    assert p.files.checks() == ["results/checks/run.tsv"], "the one file of the user"


def test_a_check_reads_the_files_that_are_there(plan, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    header = SAMPLES.splitlines()[0] + "\tpartner\ttag"
    p = plan(f"{header}\nrun\ttest\tdata\trun 1.root\t\t\t\t\toff.root\tdaq\n", convert={"bad_channels": "bad.txt"})
    w = SimpleNamespace(sample="run")
    assert p.files.checked_files(w) == [], "the check itself says that they are missing"
    (tmp_path / "run 1.root").touch()
    (tmp_path / "bad.txt").touch()
    assert p.files.checked_files(w) == ["run 1.root", "bad.txt"]
    assert p.files.local_sources(w) == ["run 1.root", "off.root", "bad.txt"]
    assert p.settings.check_options(w) == [
        "--detector=protodune_sp", "--tag=daq", "--partner=off.root", "--bad-channels=bad.txt",
    ]  # fmt: skip


def test_an_address_is_no_input_and_its_checksum_an_option(plan):
    p = plan(f"{SAMPLES.splitlines()[0]}\tadler32\nrun\ttest\tdata\troot://host//a.root\t\t\t\t\tC680d24a\n")
    w = SimpleNamespace(sample="run")
    assert p.files.local_sources(w) == []
    assert p.settings.source(w) == "root://host//a.root"
    assert p.settings.convert_options(w) == ["--adler32=C680d24a"]


def test_tracks_at_an_angle_are_looked_at_on_their_planes(plan):
    paths = [path for path in plan().files.products() if path.endswith("/u80.h5")]
    assert paths
    assert all("/induction/" in path for path in paths)


def test_without_a_plane_tracks_run_across_the_last_one(plan):
    assert plan(SAMPLES.replace(', "ideal_plane": "U"', "")).of.angles() == {"u80": ("X", 80.0)}


def test_figures_of_everything(plan):
    figures = plan().figures
    pairs = {f"{figure}.{subject}" for figure, subject in [*figures.of_every_run(), *figures.of_evidence()]}
    wanted = {"angles.all", "residuals.induction", "noise.collection.run", "injection.induction.injected", "metrics.all"}
    assert wanted <= pairs
    assert not any("u80" in pair or "noise.collection.injected" in pair for pair in pairs)
    assert "waveforms.induction.cosmics" in pairs
    assert "waveforms.induction.run" not in pairs, "it has no truth"


def test_the_headline_times_each_inference_once(plan):
    trials = [f"v1\t{step}\t{model}\tinduction" for step, model in (("denoise", "zoo"), ("regions", "zoo_regions"))]
    runs = plan(trials=trials, steps={"denoise": {"task": "denoise"}, "regions": {"task": "regions"}}).paper.inference_runs()
    folder = "results/benchmarks/infer_network"
    assert sorted(r["benchmark"] for r in runs if folder in r["benchmark"] and "/cosmics" in r["products"]) == [
        f"{folder}/denoise.zoo.v1.induction.cosmics.tsv",
        f"{folder}/regions.zoo_regions.v1.induction.cosmics.tsv",
    ]


def test_injected_signals_have_no_noise_of_their_own(plan):
    settings = json.loads(plan().settings.sample(SimpleNamespace(sample="injected")))
    assert settings["simulation"]["preset"] == "clean"
    assert settings["simulation"]["cosmics_per_unit"] == 6
    assert settings["seed"] == 3


def test_what_is_compared_can_be_limited(plan):
    chosen = plan(figures={"compared": ["deconvolution_regions", "zoo.v1"]})
    assert chosen.of.compared_methods("induction") == [("denoise", "deconvolution_regions"), ("denoise", "zoo.v1")]
    assert len(chosen.files.angle_scores()) == 2
    assert len(plan().of.compared_methods("induction")) == 10


def test_a_method_that_is_null_is_left_out(plan):
    methods = yaml.safe_load((REPOSITORY / "config" / "config.yaml").read_text())["methods"]
    chosen = plan(methods=methods | {"wiener": None})
    assert set(chosen.of.classical) == set(methods) - {"wiener"}


FRAMES = {"wirecell": {"step": "denoise", "steps": [], "frames": {"file": "wc/{sample}.tar", "late_ticks": 2}}}


def test_a_method_may_come_from_frame_files(plan):
    methods = yaml.safe_load((REPOSITORY / "config" / "config.yaml").read_text())["methods"]
    p = plan(methods=methods | FRAMES, figures={"compared": ["deconvolution", "wirecell"]})
    w = SimpleNamespace(sample="cosmics", method="wirecell", step="denoise", family="induction")
    assert p.of.from_frames == ["wirecell"]
    assert p.files.frames(w) == "wc/cosmics.tar"
    assert json.loads(p.settings.frames(w)) == {"tag": "gauss", "late_ticks": 2}
    assert "results/measurements/scores/denoise/wirecell/collection/cosmics.tsv" in p.files.table_scores()
    assert ("denoise", "wirecell") in p.of.compared_methods("induction")
    assert {r["method"] for r in p.paper.inference_runs()} >= {"deconvolution"}
    assert "wirecell" not in {r["method"] for r in p.paper.inference_runs()}, "another program took the time"
    shown = p.paper.page_samples()[0]["products"]["induction"]
    assert "deconvolution" in shown
    assert "wirecell" not in shown, "frames hold no waveforms"


def test_an_edit_of_frames_changes_no_classical_method(plan):
    methods = yaml.safe_load((REPOSITORY / "config" / "config.yaml").read_text())["methods"]
    p = plan(methods=methods | FRAMES)
    w = SimpleNamespace(sample="cosmics", method="raw", step="denoise")
    assert p.code.frames(w) != p.code.method(w)
    assert "protodune.rawio.frames" in closure("protodune.stages.produce.infer_frames")
    assert not any(".rawio" in module for module in closure("protodune.stages.produce.infer_classical"))
    assert not any(".classical" in module for module in closure("protodune.stages.produce.infer_frames"))


def test_an_edit_of_any_runtime_counts(plan):
    w = SimpleNamespace(step="denoise", model="zoo")
    p = plan(trials=["v1\tdenoise\tzoo\tinduction"])
    assert {f"protodune.learning.runtimes.{r}" for r in ("onnxruntime", "openvino", "torch")} <= set(p.code._used_network(w))


def test_what_goes_to_wire_cell(plan):
    trials = [f"v1\t{step}\t{model}\tinduction" for step, model in (("denoise", "zoo"), ("regions", "zoo_regions"))]
    p = plan(trials=trials, steps={"denoise": {"task": "denoise"}, "regions": {"task": "regions"}})
    assert p.files.exported_frames()[:2] == ["results/frames/cosmics.tar.gz", "results/frames/u80.tar.gz"]
    folder = "results/exported_models/regions/zoo_regions.v1/induction"
    assert p.files.wirecell_models() == [f"{folder}/model.wirecell.md"], "those on features that it makes as well"
    assert p.settings.margins() == "[[1, 1], [4, 3], [8, 6]]"


def test_names_that_snakemake_would_fill_in_are_taken_literally(plan, tmp_path):
    p = plan(SAMPLES.replace("data\trun.root", f"data\t{tmp_path}/run{{sample}}<results>.root"))
    w, path = SimpleNamespace(sample="run"), tmp_path / "run{sample}<results>.root"
    assert p.settings.source(w) == str(path)
    assert p.files.local_sources(w) == []
    assert p.files.unnamed_sources(w) == [str(path)]
    path.write_bytes(b"root")
    [before] = p.files.unnamed_sources(w)
    path.write_bytes(b"other")
    assert [before] != p.files.unnamed_sources(w), "a change of the file counts"
    assert plan().files.local_sources(w) == ["run.root"]
    assert plan().files.unnamed_sources(w) == []


def test_the_recording_of_an_injection(plan):
    w = SimpleNamespace(sample="injected", method="zoo.v1", family="induction")
    assert plan().files.recording_product(w) == "results/products/denoise/zoo.v1/induction/run.h5"


def test_a_run_of_data_alone_has_a_paper_without_truth(plan):
    only = plan("sample\tsplit\tkind\tsource\nrun\ttest\tdata\trun.root\n").paper
    assert {i["kind"] for i in only.items()} == {"display", "zoom", "noise", "boards", "checks", "crossings"}
    assert not any(i["is_table"] for i in only.items())
    assert only.page_tables() == []


def test_what_the_paper_says_of_samples_and_networks(plan):
    about = json.loads(plan().paper.about())
    assert about["samples"]["run"] == "data from run.root"
    assert about["samples"]["injected"] == "cosmic signals on top of run, seed 3"
    assert "tracks at 80 deg across U" in about["samples"]["u80"]
    assert about["networks"]["zoo.v1 (denoise, induction)"] == "unet, weights zoo/unet.{family}.safetensors"


def test_every_kind_of_table_has_subjects(plan):
    figures = plan().figures
    assert set(figures.kinds.values()) <= set(FIGURE_TABLES)
    for kind in FIGURE_TABLES:
        assert isinstance(figures.subjects(kind), list)


def test_a_figure_of_images_is_drawn_again_when_its_own_module_changes(plan):
    code = plan().code
    display, zoom = (code.event_figure()(SimpleNamespace(figure=f, sample="cosmics")) for f in ("display", "zoom"))
    assert display != zoom
