"""Check the whole configuration at once: every problem in one message, path first, typing errors with a suggestion.

What is missing is filled in with the schema's defaults, the only place where defaults of the configuration stand.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import jsonschema

from protodune.core.errors import ProtoduneError, shown, suggest
from protodune.core.registry import module_name, names
from protodune.core.settings import load_schema, value_problems
from protodune.dag.config_files import repeated_keys
from protodune.dag.model_check import is_known, method_problems, model_problems, serve_problems, trial_problems
from protodune.dag.sheets import Sample, Trial, make_samples, make_trials, read_sheet
from protodune.dag.spec_reader import name_problem, read_constant, read_spec
from protodune.dag.steps import Step, make_steps

_REPOSITORY = Path(__file__).resolve().parents[3]
DETECTORS = "protodune.detector.known"
FIGURES = "protodune.publish.figures.known"
FIGURE_TABLES = (
    "methods", "details", "curves", "angles", "noise", "crossings", "injection", "training", "scaling", "speed", "search",
    "simulation", "campaign",
)  # fmt: skip
"""Kinds of tables that figures draw."""


@dataclass(frozen=True)
class Plan:
    """The checked configuration, defaults filled in."""

    config: dict
    samples: dict[str, Sample]
    trials: list[Trial]
    steps: dict[str, Step]


def check_config(config: dict, files: Iterable[str | Path] = ()) -> Plan:
    """Return the checked plan, or raise one ProtoduneError that lists all problems; ``files``: where it was read from."""
    schema, config = load_schema("config"), _typed_campaign(_without_nulls(config))
    problems = repeated_keys(files) + schema_problems(config, schema, "config")
    if problems:
        raise _refusal(problems)
    config = with_defaults(config, schema)
    steps, problems = make_steps(config["steps"])
    rows, found = read_sheet(find_file(config["samples"]), load_schema("samples"), schema_problems)
    samples, more = make_samples(rows, config["samples"]) if not found else ([], [])
    problems += found + more
    rows, found = read_sheet(find_file(config["trials"]), load_schema("trials"), schema_problems)
    trials, more = make_trials(rows, list(config["models"]), list(steps), config["trials"]) if not found else ([], [])
    problems += found + more
    if not problems:  # what follows needs names that are known
        problems += _sample_problems(config, samples) + model_problems(config, trials, steps, find_file)
        problems += method_problems(config, steps) + trial_problems(config, trials, steps, samples)
        problems += _read_problems(config, steps, trials) + _search_problems(config, steps)
        problems += _figure_problems(config, trials) + _detector_problems(config, samples)
        problems += _override_problems(config, trials)
    if problems:
        raise _refusal(problems)
    return Plan(config, {s.sample: s for s in samples}, trials, steps)


def _without_nulls(config: dict) -> dict:
    """Return the configuration without methods and models that are null: so a later file leaves out one of an earlier."""
    chosen = {
        name: {k: v for k, v in config[name].items() if v is not None}
        for name in ("methods", "models")
        if isinstance(config.get(name), dict)
    }
    return {**config, **chosen}


def _typed_campaign(config: dict) -> dict:
    """Return the configuration with numbers and truth values in `campaign` that came as text.

    Snakemake gives nested values of ``--config``, and of ``config`` in a profile, as text, and a profile may set the size of
    batches.
    """
    given = config.get("campaign")
    if not isinstance(given, dict):
        return config
    words = {"true": True, "false": False, "null": None, "None": None}
    typed = {}
    for name, value in given.items():
        typed[name] = words.get(value, value) if isinstance(value, str) else value
        if isinstance(typed[name], str):
            with contextlib.suppress(ValueError):
                typed[name] = float(value) if "." in value else int(value)
    return {**config, "campaign": typed}


def find_file(name: str) -> Path:
    """Return the path of a file: in the working directory if it is there, else in the repository."""
    return Path(name) if Path(name).is_file() else _REPOSITORY / name


def with_defaults(value: object, schema: dict) -> object:
    """Return a value with the schema's defaults in place of what is missing, at every depth."""
    if isinstance(value, dict):
        known = schema.get("properties", {})
        others = schema.get("additionalProperties")
        filled = {
            name: with_defaults(part, known.get(name, others if isinstance(others, dict) else {}))
            for name, part in value.items()
        }
        for name, part in known.items():
            if name not in value and "default" in part:
                filled[name] = with_defaults(copy.deepcopy(part["default"]), part)
        return filled
    if isinstance(value, list) and isinstance(schema.get("items"), dict):
        return [with_defaults(part, schema["items"]) for part in value]
    return value


def _names_of(validator, package: str, value: object, schema: dict):
    """The schema keyword ``names_of``: a name of a registry, or package.module of the user's own."""
    if isinstance(value, str) and "." not in value and value not in names(package):
        known = names(package)
        yield jsonschema.ValidationError(
            f"found '{value}', expected {' | '.join(known)}, or package.module of your own{suggest(value, known)}"
        )


_Validator = jsonschema.validators.extend(jsonschema.Draft202012Validator, {"names_of": _names_of})


def schema_problems(value: object, schema: dict, where: str) -> list[str]:
    """Return every way in which ``value`` violates a JSON schema, one line each, the path first."""
    lines = value_problems(value, where)
    if lines:
        return lines  # what follows needs plain values
    for error in sorted(_Validator(schema).iter_errors(value), key=lambda e: [str(p) for p in e.absolute_path]):
        path = ".".join([where, *(str(p) for p in error.absolute_path)])
        lines += _lines(error, path)
    return lines


def _lines(error: jsonschema.ValidationError, path: str) -> list[str]:
    if error.validator == "additionalProperties":
        known = list(error.schema.get("properties", {}))
        unknown = [k for k in error.instance if k not in known]
        return [f"{path}.{k[:_MOST]}: unknown key{suggest(k[:_MOST], known)}; known: {', '.join(known)}" for k in unknown]
    if error.validator == "required":
        missing = [k for k in error.validator_value if k not in error.instance]
        return [f"{path}.{k}: missing" for k in missing]
    if error.validator == "enum":
        options = [str(v) for v in error.validator_value]
        found = str(error.instance)[:_MOST]
        return [f"{path}: found '{found}', expected {' | '.join(options)}{suggest(found, options)}"]
    if error.validator == "pattern":
        expected = "eight hexadecimal digits" if path.endswith(".adler32") else "letters, digits and _ only"
        return [f"{path}: found {shown(error.instance)}, expected {expected}"]
    if error.validator == "uniqueItems":
        return [f"{path}: found {shown(error.instance)}, expected each entry once"]
    if error.validator == "names_of":
        return [f"{path}: {error.message}"]
    found = shown(error.instance)
    return [f"{path}: found {found}: {error.message.replace(repr(error.instance), found)}"]


_MOST = 80
"""So many characters of a value are shown."""


def _sample_problems(config: dict, samples: list[Sample]) -> list[str]:
    """Return what is wrong with the samples' own simulation, detectors and units."""
    problems = []
    simulation = load_schema("config")["properties"]["simulation"]
    for sample in samples:
        where = f"{config['samples']}: sample '{sample.sample}'"
        problems += schema_problems(sample.simulation, simulation, f"{where}: simulation")
        problem = name_problem(DETECTORS, sample.detector, "DETECTOR", "detector")
        problems += [f"{where}: {problem}"] if problem else []
        units = None if problem else read_constant(detector_module(sample.detector), "N_UNITS")
        if units is not None and any(unit >= units for unit in sample.units):
            problems.append(
                f"{where}: units {list(sample.units)}, expected numbers from 0 to {units - 1} of {sample.detector}"
            )
    return problems


def _detector_problems(config: dict, samples: list[Sample]) -> list[str]:
    """Return which samples of one table or training are of different detectors, unless that is asked for."""
    if config["mixed_detectors"]:
        return []
    problems = []
    for split in ("train", "val", "test"):
        found = {s.detector: s.sample for s in samples if s.split == split and (split != "test" or s.has_truth)}
        if len(found) > 1:
            listed = ", ".join(f"{detector} (for instance {sample})" for detector, sample in found.items())
            problems.append(
                f"{config['samples']}: split {split} has samples of several detectors: {listed}, expected one detector per "
                "training or table; use sheets of their own, or set mixed_detectors: true"
            )
    return problems


def _read_problems(config: dict, steps: dict[str, Step], trials: list[Trial]) -> list[str]:
    """Return which methods whose products a step reads do not exist in the earlier step."""
    problems = []
    for step in steps.values():
        for earlier, method in step.reads.items():
            known = sorted({t.method for t in trials if t.step == earlier})
            known += [name for name, m in config["methods"].items() if m["step"] == earlier]
            if method not in known:
                problems.append(
                    f"config.steps.{step.name}.reads.{earlier}: found no method '{method}' in step {earlier}"
                    f"{suggest(method, known)}; known: {', '.join(known) or 'none'}"
                )
    return problems


def _figure_problems(config: dict, trials: list[Trial]) -> list[str]:
    problems, networks = [], sorted({t.method for t in trials})
    shown = config["figures"]["network"]
    if trials and shown not in networks:
        problems.append(f"config.figures.network: '{shown}' is no model.trial of the trial sheet{suggest(shown, networks)}")
    shown = config["figures"]["classical"]
    if shown not in config["methods"]:
        problems.append(
            f"config.figures.classical: '{shown}' is not in config.methods{suggest(shown, list(config['methods']))}"
        )
    elif "frames" in config["methods"][shown]:
        problems.append(
            f"config.figures.classical: '{shown}' comes from frame files, which hold no waveforms, expected a method with "
            "steps; name it in figures.compared"
        )
    problems += [
        f"config.figures.more: {problem}"
        for name in config["figures"]["more"]
        if (problem := name_problem(FIGURES, name, "FIGURE", "figure") or _table_problem(name))
    ]
    known = [*networks, *config["methods"]]
    return problems + [
        f"config.figures.compared: '{name}' is neither a model.trial nor in config.methods{suggest(name, known)}"
        for name in config["figures"]["compared"]
        if name not in known
    ]


def _table_problem(figure: str) -> str:
    """Return what is wrong with the kind of table that a figure of the user's own draws."""
    kind = read_spec(FIGURES, figure, "FIGURE").get("table")
    if kind in FIGURE_TABLES:
        return ""
    close = suggest(str(kind), list(FIGURE_TABLES))
    return f"figure '{figure}': found table '{kind}', expected {' | '.join(FIGURE_TABLES)}{close}"


def _training_schema() -> dict:
    return load_schema("config")["properties"]["models"]["additionalProperties"]["properties"]["training"]


def _override_problems(config: dict, trials: list[Trial]) -> list[str]:
    return [
        problem
        for t in trials
        for problem in schema_problems(t.overrides, _training_schema(), f"{config['trials']}: trial '{t.trial}': overrides")
    ]


def _search_problems(config: dict, steps: dict[str, Step]) -> list[str]:
    search, models, training = config["search"], config["models"], _training_schema()
    problems = schema_problems(search["training"], training, "config.search.training")
    for what, name, known in (("model", search["model"], models), ("step", search["step"], config["steps"])):
        if name not in known:
            problems.append(f"config.search.{what}: '{name}' is not in config.{what}s{suggest(name, list(known))}")
    model = models.get(search["model"])
    if model and search["step"] in steps and is_known(model["network"]):
        problems += [f"config.search: {problem}" for problem in serve_problems(model["network"], steps[search["step"]])]
        if "patches" not in model:
            problems.append(f"config.search.model: '{search['model']}' has no 'patches', expected a model that is trained")
    known = list(training["properties"])
    for name, wanted in search["space"].items():
        if not name.startswith("network.") and name.split(".")[0] not in known:
            problems.append(
                f"config.search.space.{name}: no setting of a training{suggest(name, known)}; those of a network are called "
                "network.NAME"
            )
        if isinstance(wanted, dict) and (wanted["low"] > wanted["high"] or (wanted["log"] and wanted["low"] <= 0)):
            problems.append(
                f"config.search.space.{name}: found low {wanted['low']} and high {wanted['high']}, expected low <= high, "
                "and above 0 with log"
            )
    return problems


def detector_module(name: str) -> str:
    """Return the module of a detector."""
    return module_name(DETECTORS, name)


def _refusal(problems: list[str]) -> ProtoduneError:
    head = "the configuration has a problem:" if len(problems) == 1 else f"the configuration has {len(problems)} problems:"
    return ProtoduneError("\n  ".join([head, *dict.fromkeys(problems)]))
