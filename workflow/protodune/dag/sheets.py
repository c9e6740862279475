"""The sample sheet and the trial sheet: tab-separated, one row per sample or training, checked line by line."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from protodune.core.errors import ProtoduneError, shown, suggest
from protodune.core.file_lists import expand, names_many
from protodune.core.files import read_text
from protodune.core.settings import parse_json

SIMULATION = "simulation"
"""The source of samples that the embedded simulation makes."""
INJECT = "inject:"
"""A source that begins so is another sample with simulated signals on top."""


@dataclass(frozen=True)
class Sample:
    """One row of the sample sheet; ``events`` and ``units`` count for simulated samples only, ``seed`` and ``simulation``
    for them and for injected signals."""

    sample: str
    split: str
    kind: str
    source: str
    detector: str
    seed: int | None
    events: int | None
    units: tuple[int, ...]
    simulation: dict
    partner: str
    tag: str
    adler32: str
    note: str
    files: tuple[str, ...] = ()
    """The files of a row that names many; else none."""

    @property
    def is_simulated(self) -> bool:
        """Whether the embedded simulation makes this sample."""
        return self.source == SIMULATION

    @property
    def recording(self) -> str:
        """The sample on which this one puts simulated signals, or nothing."""
        return self.source.removeprefix(INJECT) if self.source.startswith(INJECT) else ""

    @property
    def is_file(self) -> bool:
        """Whether a file of the user is converted."""
        return not (self.is_simulated or self.recording)

    @property
    def has_truth(self) -> bool:
        """Whether noise-free waveforms will be there: from the simulation or from a noise-off partner."""
        return self.is_simulated or bool(self.partner)


@dataclass(frozen=True)
class Trial:
    """One row of the trial sheet: ``model`` in a step of the chain, on the planes of a family; ``overrides`` goes over the
    model's ``training``."""

    trial: str
    step: str
    model: str
    family: str
    overrides: dict
    note: str

    @property
    def method(self) -> str:
        """Name under which its products appear."""
        return f"{self.model}.{self.trial}"


def read_sheet(path: Path, schema: dict, check: Callable[[dict, dict, str], list[str]]) -> tuple[list[dict], list[str]]:
    """Read a sheet; return its rows (empty cells as the schema's defaults, numbers converted) and all problems found.

    ``schema``: JSON schema of a row; ``check(row, schema, where)`` gives the problems of one row.
    """
    try:
        text = read_text(path, "a tab-separated sheet", "mend its path in the configuration, or save it as text")
        lines = list(_lines(text, path))
    except ProtoduneError as error:
        return [], [str(error)]
    columns, known = lines[0][1] if lines else [], list(schema["properties"])
    problems = [
        f"{path}: unknown column {shown(c)}{suggest(c[:80], known)}" for c in dict.fromkeys(columns) if c not in known
    ]
    problems += [
        f"{path}: column '{c}' occurs more than once, expected it once; take the other out"
        for c in known
        if columns.count(c) > 1
    ]
    problems += [f"{path}: missing column '{c}'" for c in schema["required"] if c not in columns]
    if problems:
        return [], problems
    defaults = {name: column["default"] for name, column in schema["properties"].items() if "default" in column}
    rows = []
    for number, cells in lines[1:]:
        where = f"{path}: line {number}"
        if len(cells) > len(columns):
            problems.append(f"{where}: found {len(cells)} cells, expected {len(columns)} or fewer")
            continue
        row = {}
        for name, cell in zip(columns, cells, strict=False):
            try:
                if cell.strip():
                    row[name] = _typed(cell.strip(), schema["properties"][name], f"{where}.{name}")
            except ProtoduneError as error:
                problems.append(str(error))
        problems += check(row, schema, where)
        rows.append({**defaults, **row})
    return rows, problems


def _lines(text: str, path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield number and cells of every line of a sheet that is not empty."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter="\t")
    number = 1
    try:
        for cells in reader:
            if any("\n" in cell or "\r" in cell for cell in cells):
                raise ProtoduneError(
                    f"{path}: line {number}: found a cell that goes on in the next line, expected one line per row; close "
                    "or take out the quote at its beginning"
                )
            if cells:
                yield number, cells
            number = reader.line_num + 1
    except csv.Error:
        raise ProtoduneError(
            f"{path}: line {number}: found a cell of more than {csv.field_size_limit()} characters, expected a short one; "
            "is this a tab-separated sheet?"
        ) from None


def _typed(text: str, column: dict, where: str):
    """Convert a cell by its column's schema; numbers that do not fit stay text and are caught by the check."""
    kind = column.get("type")
    if kind == "object":
        return parse_json(text, where)
    if kind == "integer" and _WHOLE.fullmatch(text):
        return int(text)
    parts = text.split(",")
    if kind == "array" and all(_WHOLE.fullmatch(part.strip()) for part in parts):
        return [int(part) for part in parts]
    return text


_WHOLE = re.compile(r"-?[0-9]{1,40}")


def make_samples(rows: list[dict], where: str) -> tuple[list[Sample], list[str]]:
    """Turn checked rows into samples; problems between cells and between rows are returned."""
    problems, samples = [], []
    if not rows:
        problems.append(f"{where}: found no rows below the header, expected one for every sample; add them")
    for row in rows:
        name = row["sample"]
        if any(s.sample == name for s in samples):
            problems.append(f"{where}: sample '{name}' occurs more than once; names must differ")
        if row["source"] == SIMULATION:
            missing = [c for c in ("seed", "events", "units") if c not in row]
            if missing:
                problems.append(f"{where}: sample '{name}': source {SIMULATION} needs {', '.join(missing)}")
            if row["partner"]:
                problems.append(f"{where}: sample '{name}': simulated samples bring their own truth; leave 'partner' empty")
        elif row["source"].startswith(INJECT):
            problems += [f"{where}: sample '{name}': {problem}" for problem in _injection_problems(row, rows)]
        elif row["simulation"]:
            problems.append(f"{where}: sample '{name}': 'simulation' is for source {SIMULATION}; leave it empty")
        if row["adler32"] and (row["source"] == SIMULATION or row["source"].startswith(INJECT)):
            problems.append(f"{where}: sample '{name}': 'adler32' is for files; leave it empty")
        optional = {"seed": None, "events": None}
        files, found = _many_files(row)
        problems += [f"{where}: sample '{name}': {problem}" for problem in found]
        samples.append(Sample(**{**optional, **row, "units": tuple(row.get("units", ())), "files": files}))
        if row["split"] in ("train", "val") and not samples[-1].has_truth:
            problems.append(
                f"{where}: sample '{name}': split {row['split']} needs noise-free waveforms; give 'partner', or split test"
            )
    return samples, problems


def _many_files(row: dict) -> tuple[tuple[str, ...], list[str]]:
    """Return the files of a row that names many, and what is wrong with it."""
    if row["source"] == SIMULATION or row["source"].startswith(INJECT) or not names_many(row["source"]):
        return (), []
    problems = []
    if row["split"] != "test":
        problems.append(f"source {row['source']} is many files, which are for split test; give one file")
    if row["partner"]:
        problems.append(f"source {row['source']} is many files, which have no 'partner'; leave it empty")
    try:
        return tuple(expand(row["source"])), problems
    except ProtoduneError as error:
        return (), [*problems, str(error)]


def _injection_problems(row: dict, rows: list[dict]) -> list[str]:
    """Return what is wrong with a sample of injected signals."""
    of, problems = row["source"].removeprefix(INJECT), []
    others = {r["sample"]: r for r in rows if not r["source"].startswith(INJECT)}
    if of not in others:
        problems.append(
            f"source {row['source']}: no such sample, expected {INJECT} and one that is simulated or read from a file"
            f"{suggest(of, list(others))}"
        )
    else:
        if others[of]["split"] != "test":
            problems.append(f"source {row['source']}: that sample has split {others[of]['split']}; products need split test")
        if others[of]["detector"] != row["detector"]:
            problems.append(
                f"source {row['source']}: detector {row['detector']}, but that sample is of {others[of]['detector']}"
            )
    if row["split"] != "test":
        problems.append("injected signals are for split test")
    if "seed" not in row:
        problems.append("injected signals need a seed")
    problems += [f"'{c}' is that of the recording; leave it empty" for c in ("events", "units", "partner") if row.get(c)]
    return problems


def make_trials(rows: list[dict], models: list[str], steps: list[str], where: str) -> tuple[list[Trial], list[str]]:
    """Turn checked rows into trials; unknown models and steps, and duplicates, are returned as problems."""
    problems, trials = [], []
    for row in rows:
        trial = Trial(**row)
        for what, name, known in (("model", trial.model, models), ("step", trial.step, steps)):
            if name not in known:
                problems.append(
                    f"{where}: trial '{trial.trial}': {what} '{name}' is not in config.{what}s{suggest(name, known)}"
                )
        if any((t.trial, t.step, t.model, t.family) == (trial.trial, trial.step, trial.model, trial.family) for t in trials):
            problems.append(f"{where}: {trial.method} on {trial.family} for {trial.step} occurs more than once")
        trials.append(trial)
    return trials, problems
