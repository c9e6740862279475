"""The sample sheet and the trial sheet: tab-separated, one row a sample or training, checked line by line."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from protodune.core.errors import suggest

TOY = "toy"
INJECT = "inject:"
"""A source that begins so is another sample with simulated signals on top."""


@dataclass(frozen=True)
class Sample:
    """One row of the sample sheet; ``events`` and ``apas`` count for the toy source only, ``seed`` and ``simulation`` for it
    and for injected signals."""

    sample: str
    split: str
    kind: str
    source: str
    seed: int | None
    events: int | None
    apas: tuple[int, ...]
    simulation: dict
    partner: str
    tag: str
    note: str

    @property
    def is_toy(self) -> bool:
        """Whether the embedded simulation makes this sample."""
        return self.source == TOY

    @property
    def recording(self) -> str:
        """The sample on which this one puts simulated signals, or nothing."""
        return self.source.removeprefix(INJECT) if self.source.startswith(INJECT) else ""

    @property
    def is_file(self) -> bool:
        """Whether a file of the user is converted."""
        return not (self.is_toy or self.recording)

    @property
    def has_clean(self) -> bool:
        """Whether noise-free waveforms will be there: from the simulation or from a noise-off partner."""
        return self.is_toy or bool(self.partner)


@dataclass(frozen=True)
class Trial:
    """One row of the trial sheet: train ``model`` on ``plane``; ``overrides`` goes over the model's ``training``."""

    trial: str
    task: str
    model: str
    plane: str
    overrides: dict
    note: str

    @property
    def method(self) -> str:
        """Name under which its predictions appear."""
        return f"{self.model}.{self.trial}"


def read_sheet(path: Path, schema: dict, check: Callable[[dict, dict, str], list[str]]) -> tuple[list[dict], list[str]]:
    """Read a sheet; return its rows (empty cells left out, numbers converted) and all problems found.

    ``schema``: JSON schema of a row; ``check(row, schema, where)`` gives the problems of one row.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return [], [f"{path}: cannot be read ({error}); expected a tab-separated sheet"]
    reader = csv.DictReader(text.splitlines(), delimiter="\t")
    columns, known = reader.fieldnames or [], list(schema["properties"])
    problems = [f"{path}: unknown column '{c}'{suggest(c, known)}" for c in columns if c not in known]
    problems += [f"{path}: missing column '{c}'" for c in schema["required"] if c not in columns]
    if problems:
        return [], problems
    rows = []
    for number, cells in enumerate(reader, start=2):
        where = f"{path}: line {number}"
        if None in cells:
            problems.append(f"{where}: found {len(columns) + len(cells[None])} cells, expected {len(columns)} or fewer")
            continue
        row = {k: _typed(v.strip(), schema["properties"][k]) for k, v in cells.items() if v and v.strip()}
        problems += check(row, schema, where)
        rows.append(row)
    return rows, problems


def _typed(text: str, column: dict):
    """Convert a cell by its column's schema; what does not fit stays text and is caught by the check."""
    try:
        if column.get("type") == "integer":
            return int(text)
        if column.get("type") == "array":
            return [int(part) for part in text.split(",")]
        if column.get("type") == "object":
            return json.loads(text)
    except ValueError:
        return text
    return text


def make_samples(rows: list[dict], where: str) -> tuple[list[Sample], list[str]]:
    """Turn checked rows into samples; problems between cells and between rows are returned."""
    problems, samples = [], []
    for row in rows:
        name = row["sample"]
        if any(s.sample == name for s in samples):
            problems.append(f"{where}: sample '{name}' occurs more than once; names must differ")
        if row["source"] == TOY:
            missing = [c for c in ("seed", "events", "apas") if c not in row]
            if missing:
                problems.append(f"{where}: sample '{name}': source toy needs {', '.join(missing)}")
        elif row["source"].startswith(INJECT):
            problems += [f"{where}: sample '{name}': {problem}" for problem in _injection_problems(row, rows)]
        elif "simulation" in row:
            problems.append(f"{where}: sample '{name}': 'simulation' is for source toy; leave it empty")
        if row["source"] == TOY and "partner" in row:
            problems.append(f"{where}: sample '{name}': source toy brings its own truth; leave 'partner' empty")
        optional = {"seed": None, "events": None, "simulation": {}, "partner": "", "tag": "", "note": ""}
        samples.append(Sample(**{**optional, **row, "apas": tuple(row.get("apas", ()))}))
        if row["split"] in ("train", "val") and not samples[-1].has_clean:
            problems.append(
                f"{where}: sample '{name}': split {row['split']} needs noise-free waveforms; give 'partner', or split test"
            )
    return samples, problems


def _injection_problems(row: dict, rows: list[dict]) -> list[str]:
    """Return what is wrong with a sample of injected signals."""
    of, problems = row["source"].removeprefix(INJECT), []
    others = {r["sample"]: r for r in rows if not r["source"].startswith(INJECT)}
    if of not in others:
        problems.append(
            f"source {row['source']}: no such sample, expected {INJECT} and one that is simulated or read from a file"
            f"{suggest(of, list(others))}"
        )
    elif others[of]["split"] != "test":
        problems.append(f"source {row['source']}: that sample has split {others[of]['split']}; predictions need split test")
    if row["split"] != "test":
        problems.append("injected signals are for split test")
    if "seed" not in row:
        problems.append("injected signals need a seed")
    problems += [f"'{c}' is that of the recording; leave it empty" for c in ("events", "apas", "partner") if c in row]
    return problems


def make_trials(rows: list[dict], models: list[str], where: str) -> tuple[list[Trial], list[str]]:
    """Turn checked rows into trials; unknown models and duplicates are returned as problems."""
    problems, trials = [], []
    for row in rows:
        trial = Trial(row["trial"], row["task"], row["model"], row["plane"], row.get("overrides", {}), row.get("note", ""))
        if trial.model not in models:
            problems.append(
                f"{where}: trial '{trial.trial}': model '{trial.model}' is not in config.models"
                f"{suggest(trial.model, models)}"
            )
        if any((t.trial, t.task, t.model, t.plane) == (trial.trial, trial.task, trial.model, trial.plane) for t in trials):
            problems.append(f"{where}: {trial.method} on {trial.plane} for {trial.task} occurs more than once")
        trials.append(trial)
    return trials, problems
