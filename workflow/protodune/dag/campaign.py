"""The campaign: which files its batches hold, and what each batch is cleaned with.

Files are no inputs and no outputs of rules: one that is missing is a row of the campaign's table and no plan that fails, a
killed job deletes nothing, and ten thousand of them cost the plan no more than their names, sizes and times.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from functools import cache, cached_property
from types import SimpleNamespace
from typing import NoReturn

from protodune.core.file_lists import is_address, name_of
from protodune.core.files import checksum, int8_path
from protodune.dag.files import Files
from protodune.dag.job_settings import JobSettings, to_json
from protodune.dag.products import FAMILIES
from protodune.dag.selection import Selection
from protodune.dag.sheets import Sample, Trial

FOLDER = "results/campaign"
PLAN_COLUMNS = ("sample", "batch", "file", "refused")
_GB = 1e9
_DIGITS = 16


class Campaign:
    """The batches of a plan: the test samples that are files, whether one or many, cleaned by the network of the figures."""

    def __init__(self, selection: Selection, files: Files):
        self._of, self._files, self._config = selection, files, selection.config
        self._settings = JobSettings(selection)

    # Batches.

    @property
    def _wanted(self) -> dict:
        return self._config["campaign"]

    @cached_property
    def samples(self) -> dict[str, Sample]:
        """The rows of the sample sheet that are cleaned."""
        return {name: s for name, s in self._of.rows.items() if s.is_file and s.split == "test"}

    @cache  # noqa: B019  (one object per plan)
    def _listed(self, sample: str) -> tuple[list[str], list[tuple[str, str]]]:
        """The files of a sample that are cleaned, and those that are not, with the reason."""
        row, kept, refused, first = self.samples[sample], [], [], {}
        for file in row.files or (row.source,):
            name = name_of(file)
            if name not in first:
                first[name] = file
                kept.append(file)
            elif first[name] == file:
                refused.append((file, f"{file}: is listed twice, expected each file once; take it out of {row.source}"))
            else:
                why = "products are called by it, expected one file of a name in a sample; give it to a row of its own"
                refused.append((file, f"{file}: has the name of {first[name]}, and {why}"))
        return kept, refused

    @cache  # noqa: B019
    def _batches_of(self, sample: str) -> list[list[str]]:
        """The files of each batch in order, so that files at the end of a list change no batch but the last."""
        most, largest = self._wanted["files_per_job"], self._wanted["gb_per_job"]
        batches: list[list[str]] = []
        held = 0
        for file in self._listed(sample)[0]:
            size = 0 if largest is None else _size(file)
            if not batches or len(batches[-1]) == most or (largest is not None and held and held + size > largest * _GB):
                batches.append([])
                held = 0
            batches[-1].append(file)
            held += size
        return batches

    def tables(self) -> list[str]:
        """The tables of all batches; what cannot be a campaign is refused here."""
        self._check()
        return [
            f"{FOLDER}/batches/{sample}.{number:04d}.tsv"
            for sample in self.samples
            for number in range(1, len(self._batches_of(sample)) + 1)
        ]

    def files(self, w) -> list[str]:
        """The files of one batch."""
        return self._batches_of(w.sample)[int(w.number) - 1] if int(w.number) <= len(self._batches_of(w.sample)) else []

    def state(self, w) -> str:
        """Digest of names, sizes and times of the files of one batch."""
        return _digest(f"{file} {_stat(file)}" for file in self.files(w))

    def drawn(self, w) -> int:
        """How many files of one batch are drawn: the first ones of a sample are."""
        before = sum(map(len, self._batches_of(w.sample)[: int(w.number) - 1]))
        return max(0, min(self._wanted["draw"] - before, len(self.files(w))))

    def plan(self) -> str:
        """All files with their batches as a table, and which are refused and why."""
        lines = ["\t".join(PLAN_COLUMNS)]
        for sample in self.samples:
            for number, files in enumerate(self._batches_of(sample), start=1):
                lines += [f"{sample}\t{number}\t{file}\t" for file in files]
            lines += [f"{sample}\t\t{file}\t{why}" for file, why in self._listed(sample)[1]]
        return "\n".join(lines)

    # With what.

    @cached_property
    def trials(self) -> dict[str, Trial]:
        """The trial of each family of planes whose network cleans."""
        shown, step = self._config["figures"]["network"], self._of.shown_step
        return {t.family: t for f in FAMILIES for t in self._of.trials if (t.method, t.step, t.family) == (shown, step, f)}

    def trained_weights(self, w) -> list[str]:
        """Weights that are trained here."""
        return [self._files.weights_of(t) for t in self.trials.values() if t in self._of.trained]

    def weights(self, w) -> list[str]:
        """The weights of each family, as FAMILY=FILE."""
        return [f"{family}={self._files.weights_of(t)}" for family, t in self.trials.items()]

    @cached_property
    def _given_weights(self) -> str:
        given = [self._files.weights_of(t) for t in self.trials.values() if t not in self._of.trained]
        return _digest(checksum(path) for weights in given for path in (weights, int8_path(weights)) if os.path.isfile(path))

    def settings(self, w) -> str:
        """Settings of one batch."""
        row, convert = self.samples[w.sample], self._config["convert"]
        networks = {
            family: json.loads(self._settings.network(SimpleNamespace(**vars(trial))))
            for family, trial in self.trials.items()
        }
        clean = {
            "detector": row.detector, "tag": row.tag or None, "stretch_slow_board": convert["stretch_slow_board"],
            "noisy_above": convert["noisy_above"], "bad_channels": convert["bad_channels"] or None,
            "denoised_runs_adc": self._config["export"]["denoised_runs_adc"],
            "keep": f"{FOLDER}/between" if self._wanted["keep"] else None,
        }  # fmt: skip
        return to_json({"name": self._config["figures"]["network"], "networks": networks, "clean": clean})

    def beside(self, w) -> str:
        """Digest of what a batch reads beside its files: weights that are given, and the list of bad channels."""
        listed = self._config["convert"]["bad_channels"]
        return _digest([self._given_weights, _stat(listed) if listed else ""])

    def _check(self) -> None:
        """End the plan where there is nothing to clean, or nothing to clean with."""
        shown, step = self._config["figures"]["network"], self._of.steps[self._of.shown_step]
        if not self.samples:
            refuse(
                f"{self._config['samples']}: found no test sample that is a file, expected one or more for a campaign; its "
                "source may be a pattern (/data/run5387/*.root) or a list (@files.txt)"
            )
        if not self.trials:
            refuse(
                f"config.figures.network: '{shown}' has no trial for step {step.name}, expected one; add it to the "
                "trial sheet"
            )
        combined = any(self._config["models"][t.model]["combine"] for t in self.trials.values())
        if combined or step.reads:
            refuse(
                f"config.figures.network: '{shown}' reads products of earlier steps, which a campaign does not make, "
                "expected a network that takes the events alone, as zoo.v1; choose another"
            )

    def each(self, files: list[str]) -> object:
        """Return the inputs of a target that wants every sample by itself: these files, or the end of the plan where a row
        of the sample sheet is many files."""
        return (lambda w: self._refuse_many()) if self._of.many else files

    def _refuse_many(self) -> NoReturn:
        name, row = next(iter(self._of.many.items()))
        refuse(
            f"{self._config['samples']}: sample '{name}' is many files ({row.source}), which `snakemake campaign` "
            "cleans; for this target give each file a row of its own, in another sheet"
        )


def refuse(message: str) -> NoReturn:
    """End the plan with a message.

    Snakemake puts a traceback below any other exception of a function that it calls.
    """
    raise SystemExit(f"protodune: error: {message}")


def _stat(file: str) -> str:
    if is_address(file):
        return ""
    try:
        state = os.stat(file)
    except OSError:
        return "missing"
    return f"{state.st_size} {state.st_mtime_ns}"


def _size(file: str) -> int:
    """Bytes of a file; 0 of one that is missing or elsewhere."""
    try:
        return 0 if is_address(file) else os.stat(file).st_size
    except OSError:
        return 0


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:_DIGITS]
