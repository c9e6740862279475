"""Check the whole configuration at once: every problem in one message, path first, typing errors with a suggestion."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import jsonschema
import yaml

from protodune.dag.sheets import Sample, Trial, make_samples, make_trials, read_sheet
from protodune.core.errors import ProtoduneError, suggest

_SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"
_REPOSITORY = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Plan:
    """The checked configuration."""

    config: dict
    samples: dict[str, Sample]
    trials: list[Trial]


def load_schema(name: str) -> dict:
    """Read a schema of workflow/schemas."""
    return yaml.safe_load((_SCHEMAS / f"{name}.schema.yaml").read_text(encoding="utf-8"))


def check_config(config: dict) -> Plan:
    """Return the checked plan, or raise one ProtoduneError that lists all problems."""
    problems = schema_problems(config, load_schema("config"), "config")
    if problems:
        raise _refusal(problems)
    samples, found = _samples(config)
    problems += found
    rows, found = read_sheet(find_file(config["trials"]), load_schema("trials"), schema_problems)
    problems += found
    trials, found = make_trials(rows, list(config["models"]), config["trials"]) if not found else ([], [])
    problems += found + _cross_problems(config, samples, trials)
    if problems:
        raise _refusal(problems)
    return Plan(config, {s.sample: s for s in samples}, trials)


def find_file(name: str) -> Path:
    """Return the path of a file: in the working directory if it is there, else in the repository."""
    return Path(name) if Path(name).is_file() else _REPOSITORY / name


def schema_problems(value: object, schema: dict, where: str) -> list[str]:
    """Return every way in which ``value`` violates a JSON schema, one line each, the path first."""
    validator = jsonschema.Draft202012Validator(schema)
    lines: list[str] = []
    for error in sorted(validator.iter_errors(value), key=lambda e: [str(p) for p in e.absolute_path]):
        path = ".".join([where, *(str(p) for p in error.absolute_path)])
        lines += _lines(error, path)
    return lines


def _lines(error: jsonschema.ValidationError, path: str) -> list[str]:
    if error.validator == "additionalProperties":
        known = list(error.schema.get("properties", {}))
        unknown = [k for k in error.instance if k not in known]
        return [f"{path}.{k}: unknown key{suggest(k, known)}; known: {', '.join(known)}" for k in unknown]
    if error.validator == "required":
        missing = [k for k in error.validator_value if k not in error.instance]
        return [f"{path}.{k}: missing" for k in missing]
    if error.validator == "enum":
        options = [str(v) for v in error.validator_value]
        return [f"{path}: found '{error.instance}', expected {' | '.join(options)}{suggest(str(error.instance), options)}"]
    if error.validator == "pattern":
        return [f"{path}: found '{error.instance}', expected letters, digits and _ only"]
    return [f"{path}: found {error.instance!r}: {error.message}"]


def _samples(config: dict) -> tuple[list[Sample], list[str]]:
    rows, problems = read_sheet(find_file(config["samples"]), load_schema("samples"), schema_problems)
    return make_samples(rows, config["samples"]) if not problems else ([], problems)


def _cross_problems(config: dict, samples: list[Sample], trials: list[Trial]) -> list[str]:
    problems = []
    simulation = load_schema("config")["properties"]["simulation"]
    for sample in samples:
        problems += schema_problems(
            sample.simulation, simulation, f"{config['samples']}: sample '{sample.sample}': simulation"
        )
    patch_sets = list(config["patches"])
    for name, model in config["models"].items():
        if "weights" in model:
            problems += _weights_problems(name, model["weights"], trials)
        elif "patches" not in model:
            problems.append(f"config.models.{name}: found neither 'patches' nor 'weights', expected one of them")
        elif model["patches"] not in patch_sets:
            problems.append(
                f"config.models.{name}.patches: '{model['patches']}' is not in config.patches"
                f"{suggest(model['patches'], patch_sets)}"
            )
        if name in config["methods"]:
            problems.append(f"config.methods.{name}: also a name in config.models; names must differ")
    if any("weights" not in config["models"][t.model] for t in trials):
        for split in ("train", "val"):
            if samples and not any(s.split == split for s in samples):
                problems.append(f"{config['samples']}: no sample of split {split}, which the trials need")
    problems += _scan_problems(config)
    networks = {t.method for t in trials}
    shown = config["figures"]["network"]
    if trials and shown not in networks:
        problems.append(
            f"config.figures.network: '{shown}' is no model.trial of the trial sheet{suggest(shown, sorted(networks))}"
        )
    shown = config["figures"]["classical"]
    if shown not in config["methods"]:
        problems.append(
            f"config.figures.classical: '{shown}' is not in config.methods{suggest(shown, list(config['methods']))}"
        )
    known = [*sorted(networks), *config["methods"]]
    problems += [
        f"config.figures.compared: '{name}' is neither a model.trial nor in config.methods{suggest(name, known)}"
        for name in config["figures"].get("compared", [])
        if name not in known
    ]
    return problems


def _scan_problems(config: dict) -> list[str]:
    scan, models = config["scan"], config["models"]
    training = load_schema("config")["properties"]["models"]["additionalProperties"]["properties"]["training"]
    problems = schema_problems(scan.get("training", {}), training, "config.scan.training")
    if scan["model"] not in models:
        problems.append(
            f"config.scan.model: '{scan['model']}' is not in config.models{suggest(scan['model'], list(models))}"
        )
    known = list(training["properties"])
    for name, wanted in scan["space"].items():
        if not name.startswith("network.") and name not in known:
            problems.append(
                f"config.scan.space.{name}: no setting of a training{suggest(name, known)}; those of a network are called "
                "network.NAME"
            )
        if isinstance(wanted, dict) and (wanted["low"] > wanted["high"] or (wanted.get("log") and wanted["low"] <= 0)):
            problems.append(
                f"config.scan.space.{name}: found low {wanted['low']} and high {wanted['high']}, expected low <= high, and "
                "above 0 with log"
            )
    return problems


def _weights_problems(name: str, weights: str, trials: list[Trial]) -> list[str]:
    """Return which files of a model's weights are not there, of those that the trials use."""
    planes = sorted({t.plane for t in trials if t.model == name})
    paths = {weights.replace("{plane}", plane) for plane in planes}
    return [
        f"config.models.{name}.weights: found no file {path}, expected it in the working directory or the repository"
        for path in sorted(paths)
        if not find_file(path).is_file()
    ]


def _refusal(problems: list[str]) -> ProtoduneError:
    head = "the configuration has a problem:" if len(problems) == 1 else f"the configuration has {len(problems)} problems:"
    return ProtoduneError("\n  ".join([head, *dict.fromkeys(problems)]))
