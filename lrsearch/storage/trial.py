"""Reading trials back: FrozenTrial to TrialRecord, of every version and program."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from optuna.distributions import FloatDistribution, IntDistribution
from optuna.study import Study
from optuna.trial import FrozenTrial

from lrsearch.records import LearningCurve, TrialRecord, finite_real, real, unpack_scores, whole

_EDGE = 0.05
"""A value within this share of its range from an end is near a bound."""


def family_of(trial: FrozenTrial) -> str:
    """Return the family that a trial was of, or the confirmed candidate; "" where it says neither."""
    return str(trial.user_attrs.get("entry") or trial.params.get("family", ""))


def to_record(trial: FrozenTrial) -> TrialRecord:
    """Read a trial of any version or program: what is missing, or is not what it should be, stays at its default."""
    attributes = trial.user_attrs
    curve = attributes.get("curve")
    finished = trial.state.is_finished() and trial.values
    return TrialRecord(
        number=trial.number,
        state=trial.state.name.lower(),
        family=family_of(trial),
        params=dict(trial.params),
        value=finite_real(trial.values[0]) if finished else None,
        reported={
            step: value for step, v in sorted(trial.intermediate_values.items()) if (value := real(v)) is not None
        },
        schedule=_mapping(attributes.get("schedule")),
        settings=_mapping(attributes.get("settings")),
        curve=LearningCurve.from_json(curve) if isinstance(curve, Mapping) else LearningCurve(),
        init_seed=whole(attributes.get("init_seed")),
        order_seed=whole(attributes.get("order_seed")),
        epochs=whole(attributes.get("epochs")),
        seconds=finite_real(attributes.get("seconds")),
        completed=trial.datetime_complete,
        device=str(attributes.get("device", "")),
        worker=str(attributes.get("worker", "")),
        stop_reason=str(attributes.get("stop_reason", "")),
        error=str(attributes.get("error", "")),
        output=str(attributes.get("output", "")),
        near_bounds=_near_bounds(trial),
        replicate=whole(attributes.get("replicate")),
        audited=whole(attributes.get("audited")),
        split_seed=whole(attributes.get("split_seed")),
        block=whole(attributes.get("block")),
        test_loss=real(attributes.get("test_loss")),
        test_accuracy=real(attributes.get("test_accuracy")),
        test_correct=unpack_scores(attributes),
    )


def records(study: Study) -> list[TrialRecord]:
    """Return every trial of a study, by number."""
    return [to_record(trial) for trial in study.get_trials(deepcopy=False)]


def _near_bounds(trial: FrozenTrial) -> tuple[str, ...]:
    """Return the parameters within 5 % of an end of their range, measured on its logarithm where it is logarithmic."""
    near = []
    for name, distribution in trial.distributions.items():
        if isinstance(distribution, FloatDistribution | IntDistribution) and not distribution.single():
            scale = math.log if distribution.log else float
            low, value, high = (scale(v) for v in (distribution.low, trial.params[name], distribution.high))
            if not _EDGE <= (value - low) / (high - low) <= 1 - _EDGE:
                near.append(name)
    return tuple(near)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
