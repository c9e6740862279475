import copy
import json
from dataclasses import fields
from types import SimpleNamespace

import pytest
import yaml

from helpers import REPOSITORY
from protodune.classical.methods import STEPS, MethodSettings
from protodune.classical.roi import RoiSettings
from protodune.dag.config_check import check_config, load_schema
from protodune.dag.targets import Targets
from protodune.core.errors import ProtoduneError
from protodune.learning.registry import ARCHITECTURES
from protodune.simulation.settings import CONTENTS, PRESETS, SPECIES, Effects, SimulationSettings
from protodune.learning.training.settings import PRECISIONS, OptimiserSettings

HEADER = "sample\tsplit\tkind\tsource\tseed\tevents\tapas\tsimulation\tpartner\ttag\tnote\n"


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


GOOD = ("a|train|simulation|toy|1|1|0||||", "b|val|simulation|toy|2|1|0||||")


def test_the_shipped_configurations_are_valid(config):
    plan = check_config(config)
    assert {s.split for s in plan.samples.values()} == {"train", "val", "test"}
    assert {t.method for t in plan.trials} == {"unet.base", "cnn.base"}
    assert next(t for t in plan.trials if t.plane == "induction").overrides == {"epochs": 2}


def test_all_problems_come_at_once_with_path_and_suggestion(config):
    config["sed"] = 1
    config["models"]["unet"]["trainnig"] = {}
    config["models"]["unet"]["training"]["epochs"] = "many"
    config["models"]["unet"]["architecture"] = "u_net"
    text = problems(config)
    assert "the configuration has 4 problems" in text
    assert "config.sed: unknown key (did you mean 'seed'?)" in text
    assert "config.models.unet.trainnig: unknown key (did you mean 'training'?)" in text
    assert "config.models.unet.training.epochs: found 'many'" in text
    assert (
        "config.models.unet.architecture: found 'u_net', expected cnn | dnnroi | gcnn | unet | uscg (did you mean 'unet'?)"
        in text
    )


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
        ("a|val|simulation|toy|3|1|0||||", "sample 'a' occurs more than once"),
        ("c|training|simulation|toy|3|1|0||||", "line 4.split: found 'training', expected train | val | test"),
        ("c|test|simulation|toy||1|0||||", "sample 'c': source toy needs seed"),
        ("c|test|simulation|toy|x|1|0||||", "line 4.seed: found 'x'"),
        ("c|test|simulation|toy|3|1|7||||", "line 4.apas.0: found 7"),
        ("c d|test|simulation|toy|3|1|0||||", "line 4.sample: found 'c d', expected letters, digits and _ only"),
        ("c|train|data|run1.root", "sample 'c': split train needs noise-free waveforms"),
        ("c|test|data|run1.root||||||||x", "line 4: found 12 cells, expected 11 or fewer"),
        ('c|test|simulation|toy|3|1|0|{"lifetime_us": -1}', "sample 'c': simulation.lifetime_us: found -1"),
        (
            'c|test|simulation|toy|3|1|0|{"lifetme_us": 1}',
            "simulation.lifetme_us: unknown key (did you mean 'lifetime_us'?)",
        ),
        ('c|test|data|run1.root||||{"ticks": 100}', "sample 'c': 'simulation' is for source toy; leave it empty"),
        ("c|test|simulation|toy|3|1|0|{bad", "line 4.simulation: found '{bad'"),
        ("c|test|data", "line 4.source: missing"),
        ("c|test|data|inject:nobody|1", "source inject:nobody: no such sample"),
        ("c|test|data|inject:a|1", "source inject:a: that sample has split train; predictions need split test"),
        ("c|train|data|inject:a|1", "injected signals are for split test"),
        ("c|test|data|inject:a", "injected signals need a seed"),
        ("c|test|data|inject:a|1|2|0", "'events' is that of the recording; leave it empty"),
    ],
)
def test_a_wrong_line_of_the_sample_sheet(config, tmp_path, line, message):
    assert message in problems(sheet(config, tmp_path, *GOOD, line))


def test_a_wrong_column_and_a_missing_sheet(config, tmp_path):
    header = HEADER.replace("partner", "parner")
    text = problems(sheet(config, tmp_path, *GOOD, header=header))
    assert "unknown column 'parner' (did you mean 'partner'?)" in text
    config["samples"] = str(tmp_path / "none.tsv")
    assert "none.tsv: cannot be read" in problems(config)


def test_trials_need_their_samples_and_models(config, tmp_path):
    text = problems(sheet(config, tmp_path, GOOD[0]))
    assert "no sample of split val, which the trials need" in text
    trials = tmp_path / "trials.tsv"
    trials.write_text("trial\ttask\tmodel\tplane\toverrides\tnote\nt\tdenoise\tunett\tinduction\t{bad\t\n")
    config["trials"] = str(trials)
    text = problems(config)
    assert "overrides: found '{bad'" in text


def test_models_are_trained_or_given(config, tmp_path):
    del config["models"]["cnn"]["patches"]
    assert "config.models.cnn: found neither 'patches' nor 'weights'" in problems(config)
    config["models"]["cnn"]["weights"] = "nowhere/{plane}.safetensors"
    assert "config.models.cnn.weights: found no file nowhere/collection.safetensors" in problems(config)


def test_given_weights_need_no_training_sample(config, tmp_path):
    config |= yaml.safe_load((REPOSITORY / "config" / "clean.yaml").read_text())
    plan = check_config(sheet(config, tmp_path, "c|test|data|run1.root"))
    targets = Targets(plan)
    assert targets.weights() == []
    wildcards = SimpleNamespace(task="denoise", model="zoo", plane="induction", trial="v1")
    assert targets.network_weights(wildcards).endswith("zoo/unet.induction.safetensors")
    assert json.loads(targets.network_settings(wildcards))["model"] is None
    assert not [f for f in targets.figures() if "training" in f]


def test_schema_and_code_agree():
    schema = load_schema("config")["properties"]
    model = schema["models"]["additionalProperties"]["properties"]
    method = schema["methods"]["additionalProperties"]["properties"]
    simulation = schema["simulation"]["properties"]
    assert set(simulation["effects"]["properties"]) == {f.name for f in fields(Effects)}
    assert simulation["content"]["enum"] == list(CONTENTS)
    assert simulation["preset"]["enum"] == list(PRESETS)
    for name in ("beam_species", "single_species"):
        assert simulation[name]["items"]["enum"] == list(SPECIES)
    assert set(model["training"]["properties"]) == {f.name for f in fields(OptimiserSettings)}
    for properties, settings in (
        (simulation, SimulationSettings()),
        (method, MethodSettings()),
        (method["roi"]["properties"], RoiSettings()),
        (model["training"]["properties"], OptimiserSettings()),
    ):
        plain = json.loads(json.dumps(vars(settings), default=vars))
        assert {k: v.get("default", plain[k]) for k, v in properties.items()} == plain
        assert all("default" in v or "properties" in v for v in properties.values())
    assert model["architecture"]["enum"] == sorted(ARCHITECTURES)
    assert set(method["steps"]["items"]["enum"]) == set(STEPS)
    assert tuple(model["training"]["properties"]["precision"]["enum"]) == PRECISIONS


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
    config["scan"]["model"] = "u_net"
    config["scan"]["training"] = {"epohcs": 2}
    config["scan"]["space"] = {
        "learning_rat": [0.1], "network.width": [4, 8], "weight_decay": {"low": 0, "high": 1, "log": True},
        "clip_norm": {"low": 2, "high": 1},
    }  # fmt: skip
    text = problems(config)
    assert "config.scan.model: 'u_net' is not in config.models (did you mean 'unet'?)" in text
    assert "config.scan.training.epohcs: unknown key (did you mean 'epochs'?)" in text
    assert "config.scan.space.learning_rat: no setting of a training (did you mean 'learning_rate'?)" in text
    assert "config.scan.space.weight_decay: found low 0 and high 1, expected low <= high, and above 0 with log" in text
    assert "config.scan.space.clip_norm: found low 2 and high 1" in text
    assert "network.width" not in text
