"""Digests of code: what counts, and that they are narrow."""

import re
import shutil
from types import SimpleNamespace

import pytest

from helpers import REPOSITORY
from protodune.dag import digest, spec_reader
from protodune.dag.job_code import JobCode, stage
from protodune.dag.steps import Step

STAGES = [
    "produce.simulate", "produce.convert", "produce.inject", "produce.infer_classical", "produce.infer_network",
    "produce.infer_frames", "produce.export_frames",
    "learn.prepare", "learn.train", "measure.measure", "measure.table", "measure.check_noise", "measure.score_injection",
    "measure.average", "publish.draw_event", "publish.draw_figure", "publish.write_paper", "publish.make_page",
]  # fmt: skip


def clear():
    for cached in (
        digest.code_digest, digest._imports, digest._facts, spec_reader.module_source, spec_reader.tree,
        spec_reader.read_constant, spec_reader.fields,
    ):  # fmt: skip
        cached.cache_clear()


@pytest.fixture
def package(tmp_path, monkeypatch):
    root = tmp_path / "protodune"
    (root / "sub").mkdir(parents=True)
    (root / "__init__.py").write_text("__version__ = '1'\n")
    (root / "sub" / "__init__.py").write_text("")
    (root / "sub" / "leaf.py").write_text('"""Text."""\n\ndef f(x):\n    """Doc."""\n    return x + 1\n')
    (root / "stage.py").write_text("from protodune.sub import leaf\n\nleaf.f(1)\n")
    (root / "other.py").write_text("import numpy\n")
    monkeypatch.setattr(spec_reader, "ROOT", tmp_path)
    clear()
    yield root
    clear()


def changed(file, text):
    before = digest.code_digest("protodune.stage")
    file.write_text(text)
    clear()
    return digest.code_digest("protodune.stage") != before


def test_imports_are_followed(package):
    assert digest.closure("protodune.stage") == {"protodune.stage", "protodune.sub", "protodune.sub.leaf"}


def test_comments_docstrings_and_blank_lines_do_not_count(package):
    leaf = '# new\n"""Other."""\n\n\ndef f(x):\n    """Another."""\n    # why\n    return (x + 1)\n'
    assert not changed(package / "sub" / "leaf.py", leaf)


def test_code_counts_wherever_it_is(package):
    assert changed(package / "sub" / "leaf.py", "def f(x):\n    return x + 2\n")
    assert changed(package / "stage.py", "from protodune.sub.leaf import f\n\nf(2)\n")


def test_other_modules_and_the_version_do_not_count(package):
    assert not changed(package / "other.py", "x = 1\n")
    assert not changed(package / "__init__.py", "__version__ = '2'\n")


def test_what_a_task_measures_and_how_it_is_called_does_not_count(package):
    task = "from spec import Task\n\nTASK = Task(name='t', head='{}', measures=('{}',), outputs={})\n"
    (package / "stage.py").write_text(task.format("a", "m", 1))
    clear()
    assert not changed(package / "stage.py", task.format("b", "n", 1))
    assert changed(package / "stage.py", task.format("b", "n", 2))


def test_modules_of_the_users_own_count_with_what_they_import(package, tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "network.py").write_text("from mine.layers import layer\n")
    (tmp_path / "mine" / "layers.py").write_text("layer = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    before = digest.code_digest("protodune.stage", "mine.network")
    assert before != digest.code_digest("protodune.stage")
    (tmp_path / "mine" / "layers.py").write_text("layer = 2\n")
    clear()
    assert digest.code_digest("protodune.stage", "mine.network") != before


DEFINITIONS = {"measure.score_injection": ("protodune.measure.known.distributions",)}
"""Things of a registry that a stage uses whatever it is asked for: injected signals share the definitions of metrics."""


def test_closures_of_the_stages_are_narrow():
    clear()
    closures = {name: digest.closure(stage(name)) for name in STAGES}
    for name, modules in closures.items():
        rooms = {m.removeprefix("protodune.").split(".")[0] for m in modules}
        learning = {m for m in modules if m.startswith("protodune.learning.")}
        if name == "publish.draw_event":  # it shows where training patches come from
            assert learning == {"protodune.learning.patch_files", "protodune.learning.featureset"}
        else:
            assert bool(learning) == (name in ("learn.prepare", "learn.train", "produce.infer_network")), name
        assert ("simulation" in rooms) == (name in ("produce.simulate", "produce.inject")), name
        assert "dag" not in rooms, name
        for folder in ("networks", "features", "known", "steps"):
            inside = [m for m in modules if f".{folder}." in m and m not in DEFINITIONS.get(name, ())]
            assert not inside, f"{name} imports {inside}; things of a registry are found by name"
    assert "protodune.rawio.art" not in closures["produce.simulate"]
    assert "protodune.classical.coherent" not in closures["learn.train"]
    assert "protodune.classical.sticky" not in closures["produce.convert"], "mending sticky codes converts nothing again"


class Checkout:
    """A copy of the package and its configuration, in which something is added."""

    def __init__(self, folder):
        for name in ("workflow", "config", "zoo"):
            shutil.copytree(REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        self.folder, self.package = folder, folder / "workflow" / "protodune"

    def digests(self):
        """The digest of every stage, alone and with each thing of each registry that it may find by name."""
        clear()
        found = {name: digest.code_digest(stage(name)) for name in STAGES}
        things = {
            "learn.train": ("learning/networks", "tasks/known"),
            "learn.prepare": ("learning/features", "tasks/known", "detector/known"),
            "produce.infer_network": ("learning/networks", "learning/features", "learning/derived", "detector/known"),
            "produce.infer_classical": ("classical/steps", "detector/known"),
            "produce.convert": ("detector/known",),
            "measure.measure": ("measure/known", "tasks/known"),
            "publish.draw_figure": ("publish/figures/known",),
        }
        for name, folders in things.items():
            for folder in folders:
                for path in sorted((self.package / folder).glob("[!_]*.py")):
                    module = f"protodune.{folder.replace('/', '.')}.{path.stem}"
                    found[name, module] = digest.code_digest(stage(name), module)
        return found


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    made = Checkout(tmp_path)
    monkeypatch.setattr(spec_reader, "ROOT", tmp_path / "workflow")
    yield made
    clear()


FOLDERS = (
    "learning/networks", "learning/features", "classical/steps", "measure/known", "publish/figures/known", "detector/known",
    "tasks/known",
)  # fmt: skip


def test_adding_a_thing_of_each_registry_changes_no_digest(checkout):
    before = checkout.digests()
    for folder in FOLDERS:
        (checkout.package / folder / "new.py").write_text("NEW = 1\n")
    after = checkout.digests()
    assert {k: after[k] for k in before} == before
    assert len(after) >= len(before) + len(FOLDERS), "the new ones have digests of their own"


@pytest.mark.parametrize(
    ("module", "old", "new", "touched", "untouched"),
    [
        ("classical/sticky.py", "MAX_RUN = 10", "MAX_RUN = 11", ("learn.prepare", "protodune.learning.features.waveform"),
         "produce.convert"),
        ("learning/networks/unet.py", "COMPRESS_ADC = 20.0", "COMPRESS_ADC = 21.0",
         ("learn.train", "protodune.learning.networks.unet"), ("learn.train", "protodune.learning.networks.cnn")),
        ("classical/deconvolution.py", "_GAP_ROWS = 20", "_GAP_ROWS = 21",
         ("learn.prepare", "protodune.learning.features.dnnroi"), ("learn.prepare", "protodune.learning.features.waveform")),
        ("measure/known/labels.py", "import", "import math\nimport", ("measure.measure", "protodune.measure.known.labels"),
         ("measure.measure", "protodune.measure.known.waveforms")),
    ],
)  # fmt: skip
def test_an_edit_changes_the_digests_that_use_it_and_no_other(checkout, module, old, new, touched, untouched):
    before = checkout.digests()
    path = checkout.package / module
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1) if old != "import" else text.replace("\nfrom ", "\nimport math\nfrom ", 1))
    after = checkout.digests()
    assert after[touched] != before[touched]
    assert after[untouched] == before[untouched]


NETWORK = """
from protodune.learning.network import NetworkSpec

SPEC = NetworkSpec(build=None, settings=None, features="{}", serves={{"*": ()}}, window=None, rounding_decides=False)
"""


def of_networks(checkout):
    """Digests of what uses each network, as the rules ask for them: inference, export and speed."""
    clear()
    models = {"unet": "unet", "dnnroi": "dnnroi", "second": "second", "mine": "mine.network"}
    config = {"models": {model: {"network": network} for model, network in models.items()}}
    steps, samples = {"regions": Step("regions", "regions")}, {"s": SimpleNamespace(detector="protodune_sp")}
    code = JobCode(SimpleNamespace(config=config, steps=steps, samples=samples))
    used = {"infer": code.network, "export": code.of_network("learn.export_model")}
    return {
        (use, model): digest_of(SimpleNamespace(model=model, step="regions", sample="s"))
        for use, digest_of in used.items()
        for model in models
    }


USED_BY = {
    "learning/features/dnnroi.py": {"dnnroi", "second"},
    "learning/features/cleaned.py": set(),
    "mine/features.py": {"mine"},
    "learning/networks/second.py": {"second"},
    "detector/known/protodune_sp.py": {"unet", "dnnroi", "second", "mine"},
    "learning/derived/charge_of_regions.py": {"unet", "dnnroi", "second", "mine"},
    "learning/derived/charge_of_waveforms.py": set(),
}


def test_what_uses_a_network_counts_the_features_that_its_own_spec_names(checkout, tmp_path, monkeypatch):
    """A second network on the features of DNNROI, and one of the user's own on features of the user's own."""
    (checkout.package / "learning" / "networks" / "second.py").write_text(NETWORK.format("dnnroi"))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "network.py").write_text(NETWORK.format("mine.features"))
    (tmp_path / "mine" / "features.py").write_text("FEATURES = FeatureSet(names=('a',), rebin=1, build=None)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    before = of_networks(checkout)
    for edited, touched in USED_BY.items():
        path = (tmp_path if edited.startswith("mine/") else checkout.package) / edited
        path.write_text(path.read_text() + "\nNEW = 1\n")
        after = of_networks(checkout)
        changed = {key for key in before if before[key] != after[key]}
        uses = ("infer",) if "/derived/" in edited else ("infer", "export")
        assert changed == {(use, m) for use in uses for m in touched}, edited
        before = after


def test_no_module_tells_networks_apart_by_their_names():
    """What differs between networks stands in their specs: nothing of the plan, and no rule, compares with a name."""
    known = {path.stem for path in (REPOSITORY / "workflow" / "protodune" / "learning" / "networks").glob("[!_]*.py")}
    plan = [*(REPOSITORY / "workflow" / "protodune" / "dag").glob("*.py"), *(REPOSITORY / "rules").glob("*.smk")]
    for path in plan:
        assert not known & set(re.findall(r"[\"'](\w+)[\"']", path.read_text())), path
