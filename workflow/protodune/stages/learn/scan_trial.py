"""One trial of a search for settings: ask what to try, train, tell how it went."""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
from dataclasses import dataclass, replace
from pathlib import Path

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from protodune.core.errors import ProtoduneError
from protodune.core.memory import keep_freed_memory
from protodune.core.settings import parse_settings, to_json
from protodune.stages.learn import train
from protodune.stages.command import run_stage
from protodune.core.tables import write_table
from protodune.learning.training.distributed import Ranks, connect
from protodune.learning.training.records import EpochRecord
from protodune.learning.training.settings import OptimiserSettings, TrainingSettings

log = logging.getLogger(__name__)
COLUMNS = ["number", "state", "val_loss", "epochs", "seconds", "parameters"]
_JOB = "job"
_PRUNING_AFTER_TRIALS, _PRUNING_AFTER_EPOCHS = 4, 1


@dataclass(frozen=True)
class ScanSettings:
    """``space``: ranges by the name of a training setting (``learning_rate``) or of the network's (``network.width``): a
    list of choices, or a mapping of low, high and log.  ``sampler`` random, or tpe, which learns from the trials before;
    ``pruning`` ends trials that are worse than the median of the others at the same epoch."""

    training: TrainingSettings
    space: dict
    sampler: str = "random"
    pruning: bool = True
    seed: int = 1
    trials: int = 1


def parser() -> argparse.ArgumentParser:
    """Command line of the stage: that of training, and of the study."""
    p = train.parser()
    p.prog, p.description = "protodune scan_trial", __doc__
    p.add_argument("--number", type=int, required=True, help="of the trial, from 0")
    p.add_argument("--study", required=True, help="file in which the trials know of each other")
    return p


def run(settings: ScanSettings, args: argparse.Namespace) -> None:
    """Train what the study suggests, or go on with what it had suggested to this number before; write a row on it."""
    keep_freed_memory()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    ranks = connect(args.backend)
    if ranks.rank:
        logging.getLogger().setLevel(logging.WARNING)
    study = _study(settings, args) if ranks.rank == 0 else None
    trial = _trial(study, settings, args.number) if study else None
    finished = bool(trial) and study.trials[trial.number].state.is_finished()
    asked = {"finished": finished, "parameters": trial.params} if trial else {}
    asked = json.loads(ranks.share(json.dumps(asked).encode()))
    if not asked["finished"]:
        chosen = with_parameters(settings.training, asked["parameters"])
        log.info("trial %d of %d: %s", args.number, settings.trials, asked["parameters"])
        history, pruned = _train(chosen, args, ranks, trial, settings.pruning)
        if ranks.rank == 0:
            best = min(r.val_loss for r in history)
            trial.set_user_attr("epochs", len(history))
            trial.set_user_attr("seconds", sum(r.seconds for r in history))
            study.tell(trial, None if pruned else best, TrialState.PRUNED if pruned else TrialState.COMPLETE)
    if ranks.rank == 0:
        write_table(args.output, [row(study.trials[trial.number], args.number)], COLUMNS)
    ranks.close()


def _train(
    settings: TrainingSettings, args: argparse.Namespace, ranks: Ranks, trial: optuna.Trial | None, pruning: bool
) -> tuple[list[EpochRecord], bool]:
    """Train until the end, or until the study says that it is not worth it."""
    pruned = []

    def hopeless(record: EpochRecord) -> bool:
        if trial is None:
            return False
        trial.report(record.val_loss, record.epoch)
        if pruning and trial.should_prune():
            log.info("worse than the median of the other trials at epoch %d, training ends", record.epoch)
            pruned.append(record.epoch)
        return bool(pruned)

    _, _, history, checkpoints = train.fit(settings, args, ranks, hopeless)
    if ranks.rank == 0:
        checkpoints.clear()
    return history, bool(pruned)


def _study(settings: ScanSettings, args: argparse.Namespace) -> optuna.Study:
    """Open the study of these settings, data and code in its file; others may lie beside it."""
    samplers = {
        # Seeded by the trial's own number: it does not matter which job comes first.
        "random": lambda: optuna.samplers.RandomSampler(seed=settings.seed + args.number),
        "tpe": lambda: optuna.samplers.TPESampler(seed=settings.seed + args.number, constant_liar=True),
    }
    Path(args.study).parent.mkdir(parents=True, exist_ok=True)
    text = to_json(replace(settings, trials=0)) + args.code
    return optuna.create_study(
        storage=JournalStorage(JournalFileBackend(args.study)),
        study_name=hashlib.sha256(text.encode()).hexdigest()[:16],
        sampler=samplers[settings.sampler](),
        pruner=optuna.pruners.MedianPruner(_PRUNING_AFTER_TRIALS, _PRUNING_AFTER_EPOCHS),
        load_if_exists=True,
    )


def _trial(study: optuna.Study, settings: ScanSettings, number: int) -> optuna.Trial:
    """Return the trial that this job had before it was interrupted, or a new one."""
    for known in study.trials:
        if known.user_attrs.get(_JOB) == number and known.state != TrialState.FAIL:
            return optuna.Trial(study, known._trial_id)
    trial = study.ask()
    trial.set_user_attr(_JOB, number)
    for name, wanted in sorted(settings.space.items()):
        suggest(trial, name, wanted)
    return trial


def suggest(trial: optuna.Trial, name: str, wanted: list | dict) -> None:
    """Let the study choose a value: one of a list, a whole number between whole numbers, else a number."""
    if isinstance(wanted, list):
        trial.suggest_categorical(name, wanted)
    elif all(isinstance(wanted[end], int) for end in ("low", "high")):
        trial.suggest_int(name, wanted["low"], wanted["high"], log=wanted.get("log", False))
    else:
        trial.suggest_float(name, wanted["low"], wanted["high"], log=wanted.get("log", False))


def with_parameters(settings: TrainingSettings, parameters: dict) -> TrainingSettings:
    """Return the settings with the suggested values in place of theirs."""
    network = {k.removeprefix("network."): v for k, v in parameters.items() if k.startswith("network.")}
    training = {k: v for k, v in parameters.items() if not k.startswith("network.")}
    unknown = [k for k in training if k not in OptimiserSettings.__dataclass_fields__]
    if unknown:
        raise ProtoduneError(f"scan.space.{unknown[0]}: no setting of a training; networks' own are called network.NAME")
    return replace(settings, network={**settings.network, **network}, optimiser=replace(settings.optimiser, **training))


def row(trial: optuna.trial.FrozenTrial, number: int) -> dict:
    """Return the row of a trial; the loss of a pruned one is its best so far."""
    losses = trial.intermediate_values.values()
    return {
        "number": number,
        "state": trial.state.name.lower(),
        "val_loss": float(trial.value if trial.value is not None else min(losses)),
        "epochs": trial.user_attrs.get("epochs", len(losses)),
        "seconds": float(trial.user_attrs.get("seconds", 0.0)),
        "parameters": json.dumps(trial.params, sort_keys=True),
    }


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    args = parser().parse_args(argv)
    return run_stage("scan", lambda: run(parse_settings(ScanSettings, args.settings), args))


if __name__ == "__main__":
    raise SystemExit(main())
