"""One trial of a search for settings: ask a study what to try, train, tell it how it went."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import dataclass, replace
from pathlib import Path

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from protodune.core.errors import ProtoduneError, suggest
from protodune.core.settings import to_json
from protodune.core.tables import write_table
from protodune.learning.training.distributed import Ranks
from protodune.learning.training.fit import Job, fit, join_ranks
from protodune.learning.training.records import EpochRecord
from protodune.learning.training.settings import OptimiserSettings, TrainingSettings

log = logging.getLogger(__name__)
COLUMNS = ["number", "state", "val_loss", "epochs", "seconds", "parameters"]
_JOB = "job"
_PRUNING_AFTER_TRIALS, _PRUNING_AFTER_EPOCHS = 4, 1
_BY_OUTPUT = ("loss", "weight")


@dataclass(frozen=True)
class SearchSettings:
    """``space``: ranges by the name of a training setting (``learning_rate``, ``weight.regions``) or of the network's
    (``network.width``): a list of choices, or a mapping of low, high and log.  ``sampler`` random, or tpe, which learns from
    the search trials before; ``pruning`` ends those that are worse than the median of the others at the same epoch."""

    training: TrainingSettings
    space: dict
    sampler: str = "random"
    pruning: bool = True
    seed: int = 1
    trials: int = 1


def search_trial(settings: SearchSettings, job: Job, number: int, study_file: str, output: str) -> None:
    """Train what the study suggests, or go on with what it had suggested to this number before; write a row on it."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    ranks = join_ranks(job.backend)
    study = _study(settings, job.code, number, study_file) if ranks.rank == 0 else None
    trial = _trial(study, settings, number) if study else None
    finished = bool(trial) and study.trials[trial.number].state.is_finished()
    asked = {"finished": finished, "parameters": trial.params} if trial else {}
    asked = json.loads(ranks.share(json.dumps(asked).encode()))
    if not asked["finished"]:
        chosen = with_parameters(settings.training, asked["parameters"])
        log.info("search trial %d of %d: %s", number, settings.trials, asked["parameters"])
        history, pruned = _train(chosen, job, ranks, trial, settings.pruning)
        if ranks.rank == 0:
            best = min(r.val_loss for r in history)
            trial.set_user_attr("epochs", len(history))
            trial.set_user_attr("seconds", sum(r.seconds for r in history))
            study.tell(trial, None if pruned else best, TrialState.PRUNED if pruned else TrialState.COMPLETE)
    if ranks.rank == 0:
        write_table(output, [row(study.trials[trial.number], number)], COLUMNS)
    ranks.close()


def _train(
    settings: TrainingSettings, job: Job, ranks: Ranks, trial: optuna.Trial | None, pruning: bool
) -> tuple[list[EpochRecord], bool]:
    """Train until the end, or until the study says that it is not worth it."""
    pruned = []

    def hopeless(record: EpochRecord) -> bool:
        if trial is None:
            return False
        trial.report(record.val_loss, record.epoch)
        if pruning and trial.should_prune():
            log.info("worse than the median of the other search trials at epoch %d, training ends", record.epoch)
            pruned.append(record.epoch)
        return bool(pruned)

    fitted = fit(settings, job, ranks, hopeless)
    if ranks.rank == 0:
        fitted.checkpoints.clear()
    return fitted.history, bool(pruned)


def _study(settings: SearchSettings, code: str, number: int, study_file: str) -> optuna.Study:
    """Open the study of these settings, data and code in its file; others may lie beside it."""
    samplers = {
        # Seeded by the trial's own number: it does not matter which job comes first.
        "random": lambda: optuna.samplers.RandomSampler(seed=settings.seed + number),
        "tpe": lambda: optuna.samplers.TPESampler(seed=settings.seed + number, constant_liar=True),
    }
    if settings.sampler not in samplers:
        raise ProtoduneError(f"search.sampler: found '{settings.sampler}', expected {' or '.join(samplers)}")
    Path(study_file).parent.mkdir(parents=True, exist_ok=True)
    text = to_json(replace(settings, trials=0)) + code
    return optuna.create_study(
        storage=JournalStorage(JournalFileBackend(study_file)),
        study_name=hashlib.sha256(text.encode()).hexdigest()[:16],
        sampler=samplers[settings.sampler](),
        pruner=optuna.pruners.MedianPruner(_PRUNING_AFTER_TRIALS, _PRUNING_AFTER_EPOCHS),
        load_if_exists=True,
    )


def _trial(study: optuna.Study, settings: SearchSettings, number: int) -> optuna.Trial:
    """Return the trial that this job had before it was interrupted, or a new one."""
    for known in study.trials:
        if known.user_attrs.get(_JOB) == number and known.state != TrialState.FAIL:
            return optuna.Trial(study, known._trial_id)
    trial = study.ask()
    trial.set_user_attr(_JOB, number)
    for name, wanted in sorted(settings.space.items()):
        ask(trial, name, wanted)
    return trial


def ask(trial: optuna.Trial, name: str, wanted: list | dict) -> None:
    """Let the study choose a value: one of a list, a whole number between whole numbers, else a number."""
    if isinstance(wanted, list):
        trial.suggest_categorical(name, wanted)
    elif all(isinstance(wanted[end], int) for end in ("low", "high")):
        trial.suggest_int(name, wanted["low"], wanted["high"], log=wanted.get("log", False))
    else:
        trial.suggest_float(name, wanted["low"], wanted["high"], log=wanted.get("log", False))


def with_parameters(settings: TrainingSettings, parameters: dict) -> TrainingSettings:
    """Return the settings with the suggested values in place of theirs."""
    network, training = dict(settings.network_settings), {}
    by_output = {name: dict(getattr(settings.optimiser, name)) for name in _BY_OUTPUT}
    known = [n for n in OptimiserSettings.__dataclass_fields__ if n not in _BY_OUTPUT]
    for name, value in parameters.items():
        head, _, rest = name.partition(".")
        if head == "network" and rest:
            network[rest] = value
        elif head in by_output and rest:
            by_output[head][rest] = value
        elif name in known:
            training[name] = value
        else:
            raise ProtoduneError(
                f"search.space.{name}: no setting of a training{suggest(name, known)}; losses and weights are called "
                "loss.OUTPUT and weight.OUTPUT, settings of the network network.NAME"
            )
    return replace(settings, network_settings=network, optimiser=replace(settings.optimiser, **training, **by_output))


def row(trial: optuna.trial.FrozenTrial, number: int) -> dict:
    """Return the row of a search trial; the loss of a pruned one is its best so far."""
    losses = trial.intermediate_values.values()
    return {
        "number": number,
        "state": trial.state.name.lower(),
        "val_loss": float(trial.value if trial.value is not None else min(losses)),
        "epochs": trial.user_attrs.get("epochs", len(losses)),
        "seconds": float(trial.user_attrs.get("seconds", 0.0)),
        "parameters": json.dumps(trial.params, sort_keys=True),
    }
