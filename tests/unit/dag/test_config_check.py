import copy
import math
import struct
from dataclasses import fields

import pytest
import yaml

from helpers import REPOSITORY
from protodune.core.errors import ProtoduneError
from protodune.core.settings import load_schema
from protodune.dag.config_check import check_config, with_defaults
from protodune.dag.config_files import repeated_keys
from protodune.dag.products import FAMILIES
from protodune.detector.model import FAMILIES as DETECTOR_FAMILIES
from protodune.learning.training.settings import PRECISIONS, OptimiserSettings
from protodune.simulation.settings import CONTENTS, PRESETS, SPECIES, Effects, SimulationSettings

HEADER = "sample\tsplit\tkind\tsource\tseed\tevents\tunits\tsimulation\tpartner\ttag\tnote\n"


@pytest.fixture
def config():
    return copy.deepcopy(yaml.safe_load((REPOSITORY / "config" / "config.yaml").read_text()))


def problems(config):
    with pytest.raises(ProtoduneError) as caught:
        check_config(config)
    return str(caught.value)


def sheet(config, tmp_path, *lines, header=HEADER):
    path = tmp_path / "samples.tsv"
    path.write_text(header + "".join(line.replace("|", "\t") + "\n" for line in lines))
    config["samples"] = str(path)
    return config


def trials(config, tmp_path, *lines):
    path = tmp_path / "trials.tsv"
    path.write_text("trial\tstep\tmodel\tfamily\toverrides\tnote\n" + "".join(x.replace("|", "\t") + "\n" for x in lines))
    config["trials"] = str(path)
    return config


GOOD = ("a|train|simulation|simulation|1|1|0||||", "b|val|simulation|simulation|2|1|0||||")


def test_the_shipped_configurations_are_valid(config):
    plan = check_config(config)
    assert {s.split for s in plan.samples.values()} == {"train", "val", "test"}
    assert {t.method for t in plan.trials} == {"unet.base", "cnn.base"}
    assert next(t for t in plan.trials if t.family == "induction").overrides == {"epochs": 2}
    assert {s.detector for s in plan.samples.values()} == {"protodune_sp"}
    assert list(plan.steps) == ["denoise", "regions"]


@pytest.mark.parametrize("name", ["clean", "paper", "zoo", "zoo_test", "test"])
def test_overlays_of_the_repository_are_valid(config, name):
    def merged(base, over):
        return {k: merged(base[k], v) if isinstance(v, dict) and k in base else v for k, v in {**base, **over}.items()}

    overlay = yaml.safe_load((REPOSITORY / "config" / f"{name}.yaml").read_text())
    assert check_config(merged(config, overlay)).trials


def test_all_problems_come_at_once_with_path_and_suggestion(config):
    config["sed"] = 1
    config["models"]["unet"]["trainnig"] = {}
    config["models"]["unet"]["training"]["epochs"] = "many"
    config["models"]["unet"]["network"] = "u_net"
    text = problems(config)
    assert "the configuration has 4 problems" in text
    assert "config.sed: unknown key (did you mean 'seed'?)" in text
    assert "config.models.unet.trainnig: unknown key (did you mean 'training'?)" in text
    assert "config.models.unet.training.epochs: found 'many'" in text
    assert (
        "config.models.unet.network: found 'u_net', expected cnn | dnnroi | gcnn | unet | uscg, or package.module of your "
        "own (did you mean 'unet'?)"
    ) in text


def test_defaults_stand_in_the_schema_and_are_filled_in(config):
    plan = check_config(config)
    assert plan.config["models"]["unet"]["training"]["clip_norm"] == 1.0
    assert plan.config["simulation"]["preset"] == "realistic"
    assert plan.config["methods"]["raw"] == {"step": "denoise", "steps": []}
    schema = {"properties": {"a": {"default": {}, "properties": {"b": {"default": 2}}}}}
    assert with_defaults({}, schema) == {"a": {"b": 2}}
    assert with_defaults({"a": {"b": 3}}, schema) == {"a": {"b": 3}}


def test_names_that_do_not_fit_each_other(config):
    config["models"]["unet"]["patches"] = "patch69"
    config["figures"] = {"network": "unet.bse", "classical": "coherent_cut51", "compared": ["unet.base", "zeroes"]}
    text = problems(config)
    assert "config.models.unet.patches: 'patch69' is not in config.patches (did you mean 'patch96'?)" in text
    assert "config.figures.network: 'unet.bse' is no model.trial of the trial sheet (did you mean 'unet.base'?)" in text
    assert "config.figures.classical: 'coherent_cut51' is not in config.methods" in text
    assert "config.figures.compared: 'zeroes' is neither a model.trial nor in config.methods (did you mean 'zeros'?)" in text


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a|val|simulation|simulation|3|1|0||||", "sample 'a' occurs more than once"),
        ("c|training|simulation|simulation|3|1|0||||", "line 4.split: found 'training', expected train | val | test"),
        ("c|test|simulation|simulation||1|0||||", "sample 'c': source simulation needs seed"),
        ("c|test|simulation|simulation|x|1|0||||", "line 4.seed: found 'x'"),
        ("c|test|simulation|simulation|3|1|7||||", "sample 'c': units [7], expected numbers from 0 to 5 of protodune_sp"),
        ("c d|test|simulation|simulation|3|1|0||||", "line 4.sample: found 'c d', expected letters, digits and _ only"),
        ("c|train|data|run1.root", "sample 'c': split train needs noise-free waveforms"),
        ("c|test|data|run1.root||||||||x", "line 4: found 12 cells, expected 11 or fewer"),
        ('c|test|simulation|simulation|3|1|0|{"lifetime_us": -1}', "sample 'c': simulation.lifetime_us: found -1"),
        (
            'c|test|simulation|simulation|3|1|0|{"lifetme_us": 1}',
            "simulation.lifetme_us: unknown key (did you mean 'lifetime_us'?)",
        ),
        ('c|test|data|run1.root||||{"ticks": 100}', "sample 'c': 'simulation' is for source simulation; leave it empty"),
        ("c|test|simulation|simulation|3|1|0|{bad", "line 4.simulation: found '{bad'"),
        ("c|test|data", "line 4.source: missing"),
        ("c|test|data|inject:nobody|1", "source inject:nobody: no such sample"),
        ("c|test|data|inject:a|1", "source inject:a: that sample has split train; products need split test"),
        ("c|train|data|inject:a|1", "injected signals are for split test"),
        ("c|test|data|inject:a", "injected signals need a seed"),
        ("c|test|data|inject:a|1|2|0", "'events' is that of the recording; leave it empty"),
        ("c|test|simulation|simulation|3|1|0,0||||", "line 4.units: found [0, 0], expected each entry once"),
        ("c|test|simulation|simulation|3|1_0|0||||", "line 4.events: found '1_0'"),
        ("c|test|simulation|simulation|٣|1|0||||", "line 4.seed: found '٣'"),
        (
            'c|test|simulation|simulation|3|1|0|{"lifetime_us": NaN}',
            "line 4.simulation.lifetime_us: found nan, expected a finite",
        ),
        ('c|test|simulation|simulation|3|1|0|{"lifetime_us": 1e999}', "line 4.simulation.lifetime_us: found inf"),
        (
            'c|test|simulation|simulation|3|1|0|{"ticks": 100, "ticks": 200}',
            "line 4.simulation: the key 'ticks' occurs more than once",
        ),
        (
            "c|test|simulation|simulation|3|1|0|" + "[" * 60_000 + "]" * 60_000,
            "line 4.simulation: nested deeper than 32 levels",
        ),
        ("c|test|data|run.root|||||||" + "x" * 200_000, "line 4: found a cell of more than 131072 characters"),
        ("c" * 5000 + "|test|data|run.root", "(5002 characters) is too long"),
        ("c|" + "test" * 5000 + "|data|run.root", "line 4.split: found 'testtest"),
        ('c|test|data|run.root||||||"note', "line 4: found a cell that goes on in the next line"),
    ],
    ids=lambda value: value[-40:],
)
def test_a_wrong_line_of_the_sample_sheet(config, tmp_path, line, message):
    text = problems(sheet(config, tmp_path, *GOOD, line, "d|test|data|run.root"))
    assert message in text
    assert len(text) < 1000


def test_a_column_that_stands_twice_and_a_sheet_without_rows(config, tmp_path):
    header = HEADER.replace("note", "seed")
    text = problems(sheet(config, tmp_path, *GOOD, header=header))
    assert "samples.tsv: column 'seed' occurs more than once, expected it once" in text
    text = problems(sheet(config, tmp_path))
    assert "samples.tsv: found no rows below the header, expected one for every sample" in text
    text = problems(sheet(config, tmp_path, header=""))
    assert "samples.tsv: missing column 'sample'" in text


def test_sheets_may_have_a_byte_order_mark_and_must_be_text(config, tmp_path):
    text = (
        HEADER + "".join(line.replace("|", "\t") + "\r\n" for line in (*GOOD, "c|test|data|run.root|||||||a\x0bü\u2028b"))
    ).replace("note\n", "note\r\n")
    (tmp_path / "samples.tsv").write_bytes(text.encode("utf-8-sig"))
    config["samples"] = str(tmp_path / "samples.tsv")
    assert check_config(config).samples["c"].note == "a\x0bü\u2028b"
    (tmp_path / "samples.tsv").write_bytes(text.encode("utf-16"))
    assert "samples.tsv: found UTF-16 text, expected a tab-separated sheet in UTF-8; save it as UTF-8" in problems(config)


def test_numbers_are_finite_before_anything_runs(config, tmp_path):
    config["models"]["unet"] |= {"cut_adc": math.inf, "settings": {"widths": [math.nan]}}
    config["models"]["cnn"]["training"] = {"learning_rate": math.nan}
    config["simulation"]["lifetime_us"] = -math.inf
    config["methods"]["wiener"]["steps"] = [{"cut": {"size_adc": math.nan}}]
    config["search"]["space"]["learning_rate"] = [0.1, math.inf]
    text = problems(config)
    for path in (
        "models.unet.cut_adc: found inf", "models.unet.settings.widths.0: found nan", "simulation.lifetime_us: found -inf",
        "models.cnn.training.learning_rate: found nan", "methods.wiener.steps.0.cut.size_adc: found nan",
        "search.space.learning_rate.1: found inf",
    ):  # fmt: skip
        assert f"config.{path}, expected a finite number" in text


def test_overrides_of_trials_are_finite(config, tmp_path):
    text = problems(trials(config, tmp_path, 't|denoise|unet|induction|{"learning_rate": NaN}|'))
    assert "line 2.overrides.learning_rate: found nan, expected a finite number" in text


def test_keys_are_text_and_stand_once(config, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("a: {b: 1}\nc: &x {<<: {d: 1}, <<: {e: 2}}\nf:\n  g: 1\n  'g': *x\na: 2\n")
    with pytest.raises(ProtoduneError) as caught:
        check_config(config, [path, path, tmp_path / "none.yaml"])
    assert str(caught.value).splitlines()[1:] == [
        f"  {path}: line 6: the key 'a' stands in line 1 already, expected it once; the last would win, take one out",
        f"  {path}: line 5: the key 'g' stands in line 4 already, expected it once; the last would win, take one out",
    ]
    path.write_text('{"seed": 1,\n "seed": 2}')
    assert "line 2: the key 'seed' stands in line 1 already" in "\n".join(repeated_keys([path]))
    config["methods"][5] = {"steps": []}
    assert "config.methods: found the key 5, expected text; put it in quotes" in problems(config)


def test_what_is_compared_is_named_once(config):
    config["figures"]["compared"] = ["zeros", "unet.base", "zeros"]
    assert "config.figures.compared: found ['zeros', 'unet.base', 'zeros'], expected each entry once" in problems(config)


def test_a_wrong_column_and_a_missing_sheet(config, tmp_path):
    header = HEADER.replace("partner", "parner")
    text = problems(sheet(config, tmp_path, *GOOD, header=header))
    assert "unknown column 'parner' (did you mean 'partner'?)" in text
    config["samples"] = str(tmp_path / "none.tsv")
    assert "none.tsv: found nothing, expected a tab-separated sheet" in problems(config)


def test_a_detector_that_nobody_knows_and_two_in_one_table(config, tmp_path):
    header = HEADER.replace("seed", "detector\tseed")
    first, second = (line.replace("simulation|simulation|", "simulation|simulation||") for line in GOOD)
    known = "c|test|simulation|simulation|protodune_sp|3|1|0||||"
    text = problems(sheet(config, tmp_path, first, second, known.replace("_sp", "_ps"), header=header))
    assert "sample 'c': detector 'protodune_ps' is unknown (did you mean 'protodune_sp'?)" in text
    other = "d|test|simulation|simulation|plugins.small_detector|3|1|0||||"
    text = problems(sheet(config, tmp_path, first, second, known, other, header=header))
    assert "split test has samples of several detectors: protodune_sp (for instance c), plugins.small_detector" in text
    config["mixed_detectors"] = True
    assert len(check_config(config).samples) == 4


def test_trials_need_their_samples_and_models(config, tmp_path):
    text = problems(sheet(config, tmp_path, GOOD[0]))
    assert "no sample of split val, which the trials need" in text
    text = problems(trials(config, tmp_path, "t|denoise|unett|induction|{bad|"))
    assert "overrides: found '{bad'" in text
    text = problems(trials(config, tmp_path, 't|denoise|unet|induction|{"epohcs": 2}|'))
    assert "trial 't': overrides.epohcs: unknown key (did you mean 'epochs'?)" in text
    text = problems(trials(config, tmp_path, "t|denose|unett|induction||"))
    assert "trial 't': model 'unett' is not in config.models (did you mean 'unet'?)" in text
    assert "trial 't': step 'denose' is not in config.steps (did you mean 'denoise'?)" in text


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
    task = "TASK = Task(name='t', head='', outputs=(), labels={{}}, losses={{}}, derived={{'charge': '{}'}})\n"
    lacks = own("half", "DERIVATION = Derivation(run=None)\n")
    for name, message in (("charge_of_region", "is unknown (did you mean 'charge_of_regions'?)"), (lacks, "lacks needs")):
        config["steps"]["one"] = {"task": own(f"task_{len(name)}", task.format(name)), "reads": {}}
        assert f"config.steps.one: output 'charge' of task '{config['steps']['one']['task']}'" in problems(config)
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


def test_schema_and_code_agree():
    schema = load_schema("config")["properties"]
    training = schema["models"]["additionalProperties"]["properties"]["training"]["properties"]
    simulation = schema["simulation"]["properties"]
    assert set(simulation["effects"]["properties"]) == {f.name for f in fields(Effects)}
    assert set(simulation) == {f.name for f in fields(SimulationSettings)}
    assert simulation["content"]["enum"] == list(CONTENTS)
    assert simulation["preset"]["enum"] == list(PRESETS)
    for name in ("beam_species", "single_species"):
        assert simulation[name]["items"]["enum"] == list(SPECIES)
    assert set(training) == {f.name for f in fields(OptimiserSettings)}
    for properties in (simulation, training):
        assert all("default" in v or "properties" in v for v in properties.values())
    assert tuple(training["precision"]["enum"]) == PRECISIONS
    assert FAMILIES == DETECTOR_FAMILIES


def every_property(schema, path="config"):
    for name, value in schema.get("properties", {}).items():
        yield f"{path}.{name}", value
        yield from every_property(value, f"{path}.{name}")
    if isinstance(schema.get("additionalProperties"), dict):
        yield from every_property(schema["additionalProperties"], f"{path}.*")


@pytest.mark.parametrize("name", ["config", "samples", "trials"])
def test_every_key_is_described_and_none_is_free(name):
    schema = load_schema(name)
    for path, value in every_property(schema):
        assert value.get("description"), path
        if "properties" in value:
            assert value["additionalProperties"] is False, path


def test_a_search_is_checked_before_anything_runs(config):
    config["search"]["model"] = "u_net"
    config["search"]["training"] = {"epohcs": 2}
    config["search"]["space"] = {
        "learning_rat": [0.1], "network.width": [4, 8], "weight_decay": {"low": 0, "high": 1, "log": True},
        "clip_norm": {"low": 2, "high": 1},
    }  # fmt: skip
    text = problems(config)
    assert "config.search.model: 'u_net' is not in config.models (did you mean 'unet'?)" in text
    assert "config.search.training.epohcs: unknown key (did you mean 'epochs'?)" in text
    assert "config.search.space.learning_rat: no setting of a training (did you mean 'learning_rate'?)" in text
    assert "config.search.space.weight_decay: found low 0 and high 1, expected low <= high, and above 0 with log" in text
    assert "config.search.space.clip_norm: found low 2 and high 1" in text
    assert "network.width" not in text
