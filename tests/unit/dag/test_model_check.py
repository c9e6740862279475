"""Models, methods, tasks and figures of a configuration: what does not fit is refused before anything runs."""

import struct

import pytest

from configurations import problems, trials
from helpers import REPOSITORY
from protodune.dag.config_check import check_config


def test_a_network_that_does_not_serve_a_task_is_refused(config, tmp_path):
    text = problems(trials(config, tmp_path, "t|regions|unet|induction||", "u|denoise|unet|collection||"))
    assert "trial 't': unet: network unet does not serve task regions of step regions, expected one of denoise" in text


OWN_NETWORK = """
from dataclasses import dataclass

from protodune.learning.network import NetworkSpec


@dataclass(frozen=True)
class Settings:
    width: int = 8


SPEC = NetworkSpec(build=None, settings=Settings, features="waveform", window=None, rounding_decides=False, serves={})
"""


@pytest.fixture
def own(config, tmp_path, monkeypatch):
    """Write modules of a package of one's own, of another name in each test, since sources are kept."""
    package = f"own_{abs(hash(tmp_path))}"
    (tmp_path / package).mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(name, text):
        (tmp_path / package / f"{name}.py").write_text(text)
        return f"{package}.{name}"

    return write


@pytest.mark.parametrize(
    ("serves", "message"),
    [
        ('{"denoise": ("denoised",)}', "network {} does not serve task regions of step regions, expected one of denoise"),
        (
            '{"regions": ("charge",)}',
            "network {} makes 'charge' of task regions, which has labels of regions; change 'serves'",
        ),
        ('{"*": ("denoised", "regions")}', "network {} makes 'denoised' of task regions, which has labels of regions"),
        ("make()", "network {}: serves is no literal, expected {{task: (outputs)}}"),
        ("somewhere.SERVES", "network {}: serves is no literal, expected {{task: (outputs)}}"),
    ],
)
def test_a_network_that_would_train_another_task_is_refused(config, tmp_path, own, serves, message):
    name = own("net", OWN_NETWORK.replace("serves={}", f"serves={serves}"))
    config["models"]["mine"] = {"network": name, "patches": "patch96"}
    config["search"] |= {"model": "mine", "step": "regions"}
    text = problems(trials(config, tmp_path, "t|regions|mine|induction||", "base|denoise|unet|collection||"))
    assert f"trial 't': mine: {message.format(name)}" in text
    assert f"config.search: {message.format(name)}" in text


def test_what_is_combined_must_be_read(config, tmp_path):
    trials(config, tmp_path, "v1|regions|zoo_combined|induction||", "base|denoise|unet|collection||")
    text = problems(config)
    assert "combine: step 'denoise' is not read, expected it in config.steps.regions.reads" in text


def test_a_search_needs_a_model_that_is_trained(config):
    config["models"]["given"] = {"network": "unet", "weights": "zoo/unet.{family}.safetensors"}
    config["search"]["model"] = "given"
    assert "config.search.model: 'given' has no 'patches', expected a model that is trained" in problems(config)


@pytest.mark.parametrize("part", ["window", "features", "serves"])
def test_a_network_that_lacks_a_part_is_refused_with_its_trials(config, tmp_path, own, part):
    whole = OWN_NETWORK.replace("serves={}", 'serves={"*": ()}')
    wanted = next(p for p in whole.splitlines()[-1].removesuffix(")").split("(", 1)[1].split(", ") if p.startswith(part))
    name = own("net", whole.replace(f", {wanted}", ""))
    config["models"]["mine"] = {"network": name, "patches": "patch96"}
    text = problems(trials(config, tmp_path, "t|denoise|mine|induction||", "base|denoise|unet|collection||"))
    assert f"config.models.mine.network: network '{name}': SPEC of {name} lacks {part}, expected all parts" in text
    config["models"]["mine"]["network"] = "nobody.knows"
    assert "config.models.mine.network: network 'nobody.knows' is unknown" in problems(config)


def test_a_figure_of_ones_own_is_checked_before_anything_runs(config, own):
    figure = 'FIGURE = Figure(name="f", head="f", table="{}", draw=draw, caption="")\n'
    config["figures"]["more"] = [own("lacks", figure.format("methods")), own("kind", figure.format("method"))]
    text = problems(config)
    assert f"figure '{config['figures']['more'][0]}': FIGURE of {config['figures']['more'][0]} lacks order, expected" in text
    config["figures"]["more"] = [own("other", figure.replace("caption", "order=1, caption").format("method"))]
    text = problems(config)
    assert "found table 'method', expected methods | details" in text
    assert "(did you mean 'methods'?)" in text


def test_what_is_computed_from_a_network_is_checked_before_anything_runs(config, own):
    task = "TASK = Task(name='t', head='', outputs=(), labels={{}}, losses={{}}, derived={{'{}': ('charge',)}})\n"
    lacks = own("half", "DERIVATION = Derivation(run=None)\n")
    for name, message in (("charge_of_region", "is unknown (did you mean 'charge_of_regions'?)"), (lacks, "lacks needs")):
        config["steps"]["one"] = {"task": own(f"task_{len(name)}", task.format(name)), "reads": {}}
        assert f"config.steps.one: what task '{config['steps']['one']['task']}' derives: " in problems(config)
        assert message in problems(config)


def test_a_measure_of_a_task_is_checked_before_anything_runs(config, own):
    measure = 'MEASURE = Measure(name="m", level="{}", needs=(), metrics=(), run=run)\n'
    names = own("level", measure.format("score")), own("lacks", measure.format("scores").replace(", run=run", ""))
    task = "TASK = Task(name='t', head='', outputs=(), labels={{}}, losses={{}}, measures=('{}',))\n"
    config["steps"]["one"] = {"task": own("one", task.format(names[0]))}
    assert f"config.steps.one: measure '{names[0]}': level 'score', expected scores or details" in problems(config)
    config["steps"]["one"] = {"task": own("two", task.format(names[1]))}
    assert f"measure '{names[1]}': MEASURE of {names[1]} lacks run, expected all parts of a Measure" in problems(config)


def test_losses_are_those_of_the_task(config):
    config["models"]["unet"]["training"] |= {"loss": {"denoised": "hubber"}, "weight": {"roi": 1}}
    text = problems(config)
    assert "training.loss.denoised: found 'hubber', expected huber | mse" in text
    assert "training.weight: task denoise has no output 'roi' to learn" in text


def test_settings_of_networks_and_classical_steps_are_checked(config):
    config["models"]["unet"]["settings"] = {"widhts": [4, 8]}
    config["methods"]["wiener"]["steps"] = [{"wiener": {"size": "large"}}, "wienner", {"cut": {"adc": 3}}]
    text = problems(config)
    assert "config.models.unet.settings.widhts: unknown setting (did you mean 'widths'?)" in text
    assert "config.methods.wiener.steps.wiener.size: found 'large', expected int" in text
    assert "config.methods.wiener.steps: classical step 'wienner' is unknown (did you mean 'wiener'?)" in text
    assert "config.methods.wiener.steps.cut.adc: unknown setting; known: size_adc" in text


def test_a_method_from_frame_files_is_checked_before_anything_runs(config):
    config["methods"]["wirecell"] = {"frames": {"file": "wc/{sample}.tar"}}
    found = check_config(config).config["methods"]["wirecell"]
    assert found == {
        "step": "denoise", "steps": [], "frames": {"file": "wc/{sample}.tar", "tag": "gauss", "late_ticks": 0},
    }  # fmt: skip
    config["methods"]["wirecell"] = {"steps": ["cut"], "frames": {"file": "wc/{run}.tar"}}
    config["figures"]["classical"] = "wirecell"
    text = problems(config)
    assert "config.methods.wirecell: found both 'steps' and 'frames', expected one of them" in text
    assert (
        "config.methods.wirecell.frames.file: found wc/{run}.tar, expected a path without {, }, < and > but for {sample}"
        in text
    )
    assert "config.figures.classical: 'wirecell' comes from frame files, which hold no waveforms" in text
    config["methods"]["wirecell"] = {"frames": {"tagg": "gauss", "late_ticks": 1.5}}
    text = problems(config)
    assert "config.methods.wirecell.frames.file: missing" in text
    assert "config.methods.wirecell.frames.tagg: unknown key (did you mean 'tag'?)" in text
    assert "config.methods.wirecell.frames.late_ticks: found 1.5" in text


def test_models_are_trained_or_given(config):
    del config["models"]["cnn"]["patches"]
    assert "config.models.cnn: found neither 'patches' nor 'weights'" in problems(config)
    config["models"]["cnn"]["weights"] = "nowhere/{family}.safetensors"
    assert "config.models.cnn.weights: found no file nowhere/collection.safetensors" in problems(config)


def test_weights_are_of_the_network_task_and_family_of_their_trial(config, tmp_path):
    config["models"]["cnn"] = {"network": "cnn", "weights": "zoo/unet.{family}.safetensors"}
    text = problems(config)
    assert "config.models.cnn.weights: " in text
    assert (
        "unet.collection.safetensors holds weights of network 'unet', but trial 'base' is of network 'cnn'; give the" in text
    )
    config["models"]["cnn"] = {"network": "unet", "weights": "zoo/unet.induction.safetensors"}
    assert "holds weights of family 'induction', but trial 'base' is of family 'collection'" in problems(config)
    (tmp_path / "w").write_bytes((REPOSITORY / "zoo" / "unet.induction.safetensors").read_bytes()[:5000])
    config["models"]["cnn"]["weights"] = str(tmp_path / "w")
    assert "/w: not a safetensors file of protodune, expected weights that it trained or imported" in problems(config)
    for content in (b"", b"\0" * 8, struct.pack("<Q", 2**60) + b"{}", struct.pack("<Q", 90_000) + b"[" * 90_000):
        (tmp_path / "w").write_bytes(content)
        assert "/w: not a safetensors file of protodune" in problems(config)
    config["models"]["cnn"]["weights"] = str(tmp_path / "{model}.w")
    assert "expected a path without {, }, < and > but for {family}" in problems(config)
