"""One trial of a study as a plain document: its tables are those of `Configuration`."""

from __future__ import annotations

import math
from importlib import metadata
from statistics import fmean, stdev
from typing import Any

from lrsearch.comparison.inference.crosscheck import planned_contrast
from lrsearch.config import MOST_EPOCHS, OptimizerConfig, StudyConfig
from lrsearch.errors import InputError
from lrsearch.export.document import Configuration
from lrsearch.export.needs import needed_beside
from lrsearch.names import is_confirmation
from lrsearch.records import TrialRecord
from lrsearch.schedules import AnySchedule, PerEpoch, schedule_free_shape, schedule_from_params
from lrsearch.storage import StoredStudy, StudyPart
from lrsearch.text import plain
from lrsearch.verdict.winner import same_configuration

_LEVEL = 0.95
_OF_OPTIMIZER = {
    "sgd": ("name", "momentum", "nesterov", "weight_decay"),
    "adam": ("name", "beta1", "beta2", "eps", "weight_decay"),
    "adamw": ("name", "beta1", "beta2", "eps", "weight_decay"),
}
_OF_SCHEDULE_FREE = {"sgd": ("name", "weight_decay"), "adamw": ("name", "beta2", "eps", "weight_decay")}
_WHERE_SET = ("clip_norm", "no_decay")


def configuration(
    study: StoredStudy, part: StudyPart, record: TrialRecord, *, steps: int | None = None, chosen: str = ""
) -> dict[str, Any]:
    """Return the plain document of one complete trial: schedule, optimizer, training, scores, provenance.

    Args:
        study: whose confirmation's scores of this configuration are added.
        part: the search, or the confirmation, that the trial is of.
        record: complete, written by lrsearch.
        steps: rescale the schedule to this many steps, every boundary at the same fraction of training.
        chosen: by what it was chosen, for a reader; left out if empty.

    Raises:
        InputError: if `steps` does not suit the schedule, or the trial was not written by lrsearch.
    """
    schedule = schedule_from_params(record.schedule)
    adopted = bool(part.attributes.adopted)
    if not record.epochs or (not adopted and (record.init_seed is None or record.order_seed is None)):
        raise InputError(f"trial {record.number} of {part.name!r} holds no epochs or seeds: lrsearch did not train it")
    run, steps_per_epoch = part.config.run, schedule.total_steps // record.epochs
    if run is None and steps is not None and steps > MOST_EPOCHS * steps_per_epoch:
        raise InputError(
            f"steps must be at most {MOST_EPOCHS * steps_per_epoch} ({MOST_EPOCHS} epochs of {steps_per_epoch}), "
            f"got {steps}"
        )
    rescaled, needs = schedule if steps is None else schedule.scaled_to(steps), ""
    if run is None:
        training = {
            "epochs": math.ceil(rescaled.total_steps / steps_per_epoch),
            **_workload(part.config),
            "interval": "epoch" if isinstance(rescaled, PerEpoch) else "step",
            "seeds": _seeds(part, record),
        }
        optimizer = _optimizer(part.config, record, schedule)
        needs = needed_beside(OptimizerConfig(**optimizer), rescaled)
        trained = {"optimizer": optimizer, "training": training}
    else:
        what = run.model_dump(mode="json", include={"training", "command"}, exclude_none=True)
        table: dict[str, Any] = {**what, "reports": record.epochs}
        table |= {} if adopted else {"seeds": _seeds(part, record)}
        trained = {"run": table, "parameters": _searched(part.config, record)}
    document = {
        "schedule": rescaled.params(),
        **trained,
        "scores": ({"chosen": chosen} if chosen else {}) | _scores(study.confirmation, part, record),
        "provenance": ({"needs": needs} if needs else {}) | _provenance(study, part, record),
    }
    if rescaled.total_steps != schedule.total_steps:
        document["provenance"]["rescaled_from_total_steps"] = schedule.total_steps
    Configuration.from_dict(document, source=f"trial {record.number} of {part.name!r}")
    return document


def _settings(record: TrialRecord) -> dict[str, Any]:
    """Return what was searched beside the schedule, of a search's trial or of a confirmation's, and its parameters."""
    return {**record.params, **record.settings}


def _searched(config: StudyConfig, record: TrialRecord) -> dict[str, Any]:
    """Return the values of what was searched beside the schedule."""
    settings = _settings(record)
    if missing := [name for name in config.searched if name not in settings]:
        raise InputError(f"trial {record.number} holds no {missing[0]}, though it was searched")
    return {name: settings[name] for name in config.searched}


def _optimizer(config: StudyConfig, record: TrialRecord, schedule: AnySchedule) -> dict[str, Any]:
    fixed, searched = config.optimizer, _searched(config, record)
    if schedule_free_shape(schedule) is not None:
        names = _OF_SCHEDULE_FREE[fixed.name]
    else:
        names = (*_OF_OPTIMIZER[fixed.name], *(("average", "ema_decay") if fixed.average else ()))
    numbers = {name: searched.get(name, getattr(fixed, name)) for name in names}
    return numbers | {name: value for name in _WHERE_SET if (value := getattr(fixed, name)) is not None}


def _workload(config: StudyConfig) -> dict[str, Any]:
    """Return what is trained; a batch size or a data set that the study leaves to its workload is left out."""
    table: dict[str, Any] = {"workload": config.workload, "train": config.data.train}
    if config.data.dataset is not None:
        table["dataset"] = config.data.dataset
    if config.training.batch_size is not None:
        table["batch_size"] = config.training.batch_size
    return table


def _seeds(part: StudyPart, record: TrialRecord) -> dict[str, int | None]:
    split = part.attributes.split_seed if record.split_seed is None else record.split_seed
    if split is None:
        raise InputError(f"study {part.name!r} holds no split seed: search again to export from it")
    return {"split": split, "init": record.init_seed, "order": record.order_seed}


def _scores(confirmation: StudyPart | None, part: StudyPart, record: TrialRecord) -> dict[str, Any]:
    scores: dict[str, Any] = {
        "metric": part.metric.name,
        "direction": part.metric.direction,
        "measured_at_total_steps": record.schedule["total_steps"],
    }
    if not is_confirmation(part.name):
        scores["search_value"] = record.value
        scores["search_value_is"] = "one run on the examples that chose it: too good on average"
    if confirmation is not None and (runs := _confirming_runs(record, confirmation)):
        scores["confirmation"] = _confirmation_scores(confirmation, runs)
    return scores


def _confirming_runs(record: TrialRecord, confirmation: StudyPart) -> list[TrialRecord]:
    """Return the confirming runs: of this configuration, or, after independent searches, of its whole family."""
    runs = confirmation.runs
    same = [run for run in runs if same_configuration(record, run)]
    if same and _of_families(confirmation):
        return [run for run in runs if run.family == same[0].family]
    return same


def _of_families(confirmation: StudyPart) -> bool:
    """Return whether its blocks are independent searches, so that a score is the family's and not a configuration's."""
    return confirmation.attributes.searches > 1


def _confirmation_scores(confirmation: StudyPart, runs: list[TrialRecord]) -> dict[str, Any]:
    values = [run.value for run in runs if run.scored and run.value is not None]
    scores: dict[str, Any] = {
        "of": "the family, one independent search a block" if _of_families(confirmation) else "this configuration",
        "part": "test",
        "blocks": len(values),
        "diverged": sum(run.diverged for run in runs),
        "mean": fmean(values) if values else None,
    }
    if len(values) > 1:
        interval = planned_contrast(values, alpha=1 - _LEVEL)
        scores |= {"sd": stdev(values), "level": _LEVEL, "low": interval.low, "high": interval.high}
    return scores


def _provenance(study: StoredStudy, part: StudyPart, record: TrialRecord) -> dict[str, Any]:
    values = {
        "study": part.name,
        "storage": study.address,
        "trial": record.number,
        "trained": record.completed.isoformat(timespec="seconds") if record.completed else "",
        "device": record.device,
        "data_fingerprint": part.attributes.data_fingerprint,
        "git_commit": part.attributes.git_commit,
        "versions": part.attributes.versions,
        "exported_by": f"lrsearch {metadata.version('lrsearch')}",
    }
    shown = {name: plain(value) if isinstance(value, str) else value for name, value in values.items()}
    return {name: value for name, value in shown.items() if value not in ("", {})}
