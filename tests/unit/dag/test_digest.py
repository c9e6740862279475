import pytest

from protodune.dag import digest
from protodune.dag.targets import feature_module
from protodune.learning.features.registry import FEATURE_MODULES

STAGES = [
    "simulate", "convert", "prepare", "train", "infer_network", "infer_classical", "score", "table", "draw", "draw_event",
    "measure", "check_noise", "inject", "score_injection", "average", "draw_evidence", "write_paper", "make_page",
]  # fmt: skip
DRAWING = ("draw", "draw_event", "draw_evidence")


@pytest.fixture
def package(tmp_path, monkeypatch):
    root = tmp_path / "protodune"
    (root / "sub").mkdir(parents=True)
    (root / "__init__.py").write_text("__version__ = '1'\n")
    (root / "sub" / "__init__.py").write_text("")
    (root / "sub" / "leaf.py").write_text('"""Text."""\n\ndef f(x):\n    """Doc."""\n    return x + 1\n')
    (root / "stage.py").write_text("from protodune.sub import leaf\n\nleaf.f(1)\n")
    (root / "other.py").write_text("import numpy\n")
    monkeypatch.setattr(digest, "_ROOT", tmp_path)
    clear()
    yield root
    clear()


def clear():
    for cached in (digest._tree, digest._imports, digest._tree_digest):
        cached.cache_clear()


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


def test_closures_of_the_stages_are_narrow():
    clear()
    closures = {stage: digest.closure(f"protodune.stages.{stage}") for stage in STAGES}
    for stage, modules in closures.items():
        names = {m.removeprefix("protodune.").split(".")[0] for m in modules}
        assert ("models" in names) == (stage in ("train", "infer_network")), stage
        assert ("simulation" in names) == (stage in ("simulate", "inject")), stage
        assert ("figures" in names) == (stage in DRAWING), stage
        assert "dag" not in names, stage
    assert "protodune.rawio.art" not in closures["simulate"]
    assert "protodune.classical.coherent" not in closures["train"]
    for stage in ("prepare", "infer_network"):
        assert "protodune.classical.deconvolution" not in closures[stage], "features come by name"


def test_every_set_of_features_has_the_module_that_digests_are_told_of():
    assert {name: feature_module(name) for name in FEATURE_MODULES} == FEATURE_MODULES
    for module in FEATURE_MODULES.values():
        assert "protodune.learning.features.registry" in digest.closure(module)
    assert "protodune.classical.deconvolution" in digest.closure(feature_module("dnnroi"))
    assert "protodune.classical.deconvolution" not in digest.closure(feature_module("waveform"))


def test_an_unknown_module_is_a_bug():
    with pytest.raises(ValueError, match="no module"):
        digest.code_digest("protodune.nothing")
