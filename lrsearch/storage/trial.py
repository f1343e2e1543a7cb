"""Reading trials back: FrozenTrial to TrialRecord, whatever wrote it."""

from __future__ import annotations

import math
from collections.abc import Mapping

from optuna.study import Study
from optuna.trial import FrozenTrial

from lrsearch.records import LearningCurve, TrialRecord, real, unpack_scores, whole


def family_of(trial: FrozenTrial) -> str:
    """Return the family that a trial was of, or the confirmed entry; "" where it says neither."""
    return str(trial.user_attrs.get("entry") or trial.params.get("family", ""))


def to_record(trial: FrozenTrial) -> TrialRecord:
    """Read a trial whatever wrote it: what is missing, or is not what it should be, stays at its default."""
    attributes = trial.user_attrs
    schedule = attributes.get("schedule")
    curve = attributes.get("curve")
    finished = trial.state.is_finished() and trial.values
    return TrialRecord(
        number=trial.number,
        state=trial.state.name.lower(),
        family=family_of(trial),
        params=dict(trial.params),
        value=_finite(trial.values[0]) if finished else None,
        reported={
            step: value for step, v in sorted(trial.intermediate_values.items()) if (value := real(v)) is not None
        },
        schedule=schedule if isinstance(schedule, Mapping) else {},
        curve=LearningCurve.from_json(curve) if isinstance(curve, Mapping) else LearningCurve(),
        init_seed=whole(attributes.get("init_seed")),
        order_seed=whole(attributes.get("order_seed")),
        epochs=whole(attributes.get("epochs")),
        seconds=_finite(attributes.get("seconds")),
        device=str(attributes.get("device", "")),
        worker=str(attributes.get("worker", "")),
        stop_reason=str(attributes.get("stop_reason", "")),
        split_seed=whole(attributes.get("split_seed")),
        block=whole(attributes.get("block")),
        test_loss=real(attributes.get("test_loss")),
        test_accuracy=real(attributes.get("test_accuracy")),
        test_correct=unpack_scores(attributes),
    )


def _finite(value: object) -> float | None:
    number = real(value)
    return number if number is not None and math.isfinite(number) else None


def records(study: Study) -> list[TrialRecord]:
    """Return every trial of a study, by number."""
    return [to_record(trial) for trial in study.get_trials(deepcopy=False)]
