"""One trial of a study as a plain document: its tables are those of `Configuration`."""

from __future__ import annotations

import math
from datetime import datetime
from importlib import metadata
from statistics import fmean, stdev
from typing import Any

from optuna.study import Study
from optuna.trial import FrozenTrial

from lrsearch.comparison.crosscheck import planned_contrast
from lrsearch.config import MOST_EPOCHS, StudyConfig
from lrsearch.errors import InputError
from lrsearch.export.document import Configuration
from lrsearch.names import is_confirmation
from lrsearch.schedules import PerEpoch, schedule_from_params
from lrsearch.storage import family_of, study_config, to_record
from lrsearch.text import plain

_LEVEL = 0.95
_OF_OPTIMIZER = {
    "sgd": ("name", "momentum", "nesterov", "weight_decay"),
    "adam": ("name", "beta1", "beta2", "eps", "weight_decay"),
    "adamw": ("name", "beta1", "beta2", "eps", "weight_decay"),
}


def configuration(
    study: Study,
    trial: FrozenTrial,
    *,
    confirmation: Study | None = None,
    storage: str = "",
    steps: int | None = None,
) -> dict[str, Any]:
    """Return the plain document of one complete trial: schedule, optimizer, training, scores, provenance.

    Args:
        study: the search, or the confirmation, that the trial is of.
        trial: complete, written by lrsearch.
        confirmation: the study's confirmation, whose scores of this configuration are added.
        storage: the storage's address without a password, for the provenance.
        steps: rescale the schedule to this many steps, every boundary at the same fraction of training.

    Raises:
        InputError: if `steps` does not suit the schedule, or the study was not made by lrsearch.
    """
    config, record = study_config(study), to_record(trial)
    schedule = schedule_from_params(record.schedule)
    steps_per_epoch = schedule.total_steps // record.epochs if record.epochs else 0
    if not steps_per_epoch or record.init_seed is None or record.order_seed is None:
        raise InputError(
            f"trial {trial.number} of {study.study_name!r} does not say its epochs or its seeds, as lrsearch's own do"
        )
    if steps is not None and steps > MOST_EPOCHS * steps_per_epoch:
        raise InputError(
            f"steps must be at most {MOST_EPOCHS * steps_per_epoch} ({MOST_EPOCHS} epochs of {steps_per_epoch}), "
            f"got {steps}"
        )
    rescaled = schedule if steps is None else schedule.scaled_to(steps)
    document = {
        "schedule": rescaled.params(),
        "optimizer": _optimizer(config, trial),
        "training": {
            "epochs": math.ceil(rescaled.total_steps / steps_per_epoch),
            **_workload(config),
            "interval": "epoch" if isinstance(rescaled, PerEpoch) else "step",
            "seeds": _seeds(study, trial),
        },
        "scores": _scores(study, trial, confirmation),
        "provenance": _provenance(study, trial, storage),
    }
    if rescaled.total_steps != schedule.total_steps:
        document["provenance"]["rescaled_from_total_steps"] = schedule.total_steps
    Configuration.from_dict(document, source=f"trial {trial.number} of {study.study_name!r}")
    return document


def _settings(trial: FrozenTrial) -> dict[str, Any]:
    """Return the optimizer's numbers that were searched, of a search's trial or of a confirmation's."""
    return {**trial.params, **_stored_settings(trial)}


def _stored_settings(trial: FrozenTrial) -> dict[str, Any]:
    stored = trial.user_attrs.get("settings")
    return stored if isinstance(stored, dict) else {}


def _optimizer(config: StudyConfig, trial: FrozenTrial) -> dict[str, Any]:
    fixed, settings = config.optimizer, _settings(trial)
    if lacking := [name for name in fixed.searched() if name not in settings]:
        raise InputError(f"trial {trial.number} does not say the {lacking[0]} that was searched")
    searched = {name: settings[name] for name in fixed.searched()}
    return {name: searched.get(name, getattr(fixed, name)) for name in _OF_OPTIMIZER[fixed.name]}


def _workload(config: StudyConfig) -> dict[str, Any]:
    """Return what is trained; a batch size or a data set that the study leaves to its workload is left out."""
    table: dict[str, Any] = {"workload": config.workload, "train": config.data.train}
    if config.data.dataset is not None:
        table["dataset"] = config.data.dataset
    if config.training.batch_size is not None:
        table["batch_size"] = config.training.batch_size
    return table


def _seeds(study: Study, trial: FrozenTrial) -> dict[str, int | None]:
    record = to_record(trial)
    split = study.user_attrs.get("split_seed") if record.split_seed is None else record.split_seed
    if split is None:
        raise InputError(f"study {study.study_name!r} does not say its split seed: search again to export from it")
    return {"split": split, "init": record.init_seed, "order": record.order_seed}


def _scores(study: Study, trial: FrozenTrial, confirmation: Study | None) -> dict[str, Any]:
    names = study.metric_names
    scores: dict[str, Any] = {
        "metric": names[0] if names else "value",
        "direction": study.direction.name.lower(),
        "measured_at_total_steps": trial.user_attrs["schedule"]["total_steps"],
    }
    if not is_confirmation(study.study_name):
        scores["search_value"] = trial.values[0]
        scores["search_value_is"] = "one run on the examples that chose it: too good on average"
    confirmed = _confirmed(trial, confirmation) if confirmation else []
    if confirmed and confirmation:
        scores["confirmation"] = _confirmation_scores(confirmation, confirmed)
    return scores


def _confirmed(trial: FrozenTrial, confirmation: Study) -> list[FrozenTrial]:
    """Return the confirming runs: of this configuration, or, after independent searches, of its whole family."""
    found = [(run, to_record(run)) for run in confirmation.get_trials(deepcopy=False)]
    runs = [run for run, record in found if record.confirmed and record.value is not None]
    schedule, settings = to_record(trial).schedule, _settings(trial)
    same = [
        run
        for run in runs
        if to_record(run).schedule == schedule
        and all(settings.get(name) == value for name, value in _stored_settings(run).items())
    ]
    if same and _of_families(confirmation):
        return [run for run in runs if family_of(run) == family_of(same[0])]
    return same


def _of_families(confirmation: Study) -> bool:
    """Return whether its blocks are independent searches, so that a score is the family's and not a configuration's."""
    return int(confirmation.user_attrs.get("searches", 0)) > 1


def _confirmation_scores(confirmation: Study, runs: list[FrozenTrial]) -> dict[str, Any]:
    values = [float(run.values[0]) for run in runs]
    scores: dict[str, Any] = {
        "of": "the family, one independent search a block" if _of_families(confirmation) else "this configuration",
        "part": "test",
        "blocks": len(values),
        "diverged": sum(run.user_attrs.get("stop_reason") == "diverged" for run in runs),
        "mean": fmean(values),
    }
    if len(values) > 1:
        interval = planned_contrast(values, alpha=1 - _LEVEL)
        scores |= {"sd": stdev(values), "level": _LEVEL, "low": interval.low, "high": interval.high}
    return scores


def _provenance(study: Study, trial: FrozenTrial, storage: str) -> dict[str, Any]:
    finished: datetime | None = trial.datetime_complete
    record = to_record(trial)
    known = {
        "study": study.study_name,
        "storage": storage,
        "trial": trial.number,
        "trained": finished.isoformat(timespec="seconds") if finished else "",
        "device": record.device,
        "data_fingerprint": study.user_attrs.get("data_fingerprint", ""),
        "git_commit": study.user_attrs.get("git_commit", ""),
        "versions": study.user_attrs.get("versions", {}),
        "exported_by": f"lrsearch {metadata.version('lrsearch')}",
    }
    shown = {name: plain(value) if isinstance(value, str) else value for name, value in known.items()}
    return {name: value for name, value in shown.items() if value not in ("", {})}
