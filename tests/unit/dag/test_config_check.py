import math
from dataclasses import fields

import pytest
import yaml

from configurations import HEADER, problems, sheet, trials
from helpers import REPOSITORY
from protodune.core.errors import ProtoduneError
from protodune.core.settings import load_schema
from protodune.dag.config_check import check_config, with_defaults
from protodune.dag.config_files import repeated_keys
from protodune.dag.products import FAMILIES
from protodune.detector.model import FAMILIES as DETECTOR_FAMILIES
from protodune.learning.training.settings import PRECISIONS, OptimiserSettings
from protodune.simulation.settings import CONTENTS, PRESETS, SPECIES, Effects, SimulationSettings

GOOD = ("a|train|simulation|simulation|1|1|0||||", "b|val|simulation|simulation|2|1|0||||")


def test_the_shipped_configurations_are_valid(config):
    plan = check_config(config)
    assert {s.split for s in plan.samples.values()} == {"train", "val", "test"}
    assert {t.method for t in plan.trials} == {"unet.base", "cnn.base"}
    assert next(t for t in plan.trials if t.family == "induction").overrides == {"epochs": 2}
    assert {s.detector for s in plan.samples.values()} == {"protodune_sp"}
    assert list(plan.steps) == ["denoise", "regions", "charge"]


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


def test_a_checksum_is_for_files(config, tmp_path):
    lines = ["c|test|simulation|simulation|3|1|0||||c680d24a", "d|test|data|run.root|||||||c680d24", *GOOD]
    text = problems(sheet(config, tmp_path, *lines, header=HEADER.replace("note", "adler32")))
    assert "line 3.adler32: found 'c680d24', expected eight hexadecimal digits" in text
    text = problems(sheet(config, tmp_path, lines[0], *GOOD, header=HEADER.replace("note", "adler32")))
    assert "sample 'c': 'adler32' is for files; leave it empty" in text


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
