"""Reading trials back: FrozenTrial to TrialRecord, whatever wrote it."""

from __future__ import annotations

from collections.abc import Mapping

from optuna.study import Study
from optuna.trial import FrozenTrial

from lrsearch.records import LearningCurve, TrialRecord, unpack_scores


def to_record(trial: FrozenTrial) -> TrialRecord:
    """Read a trial whatever wrote it: what is missing stays at its default."""
    attributes = trial.user_attrs
    schedule = attributes.get("schedule")
    curve = attributes.get("curve")
    finished = trial.state.is_finished() and trial.values
    return TrialRecord(
        number=trial.number,
        state=trial.state.name.lower(),
        family=str(attributes.get("entry") or trial.params.get("family", "")),
        params=dict(trial.params),
        value=trial.values[0] if finished else None,
        reported=dict(trial.intermediate_values),
        schedule=schedule if isinstance(schedule, Mapping) else {},
        curve=LearningCurve.from_json(curve) if isinstance(curve, Mapping) else LearningCurve(),
        init_seed=attributes.get("init_seed"),
        order_seed=attributes.get("order_seed"),
        epochs=attributes.get("epochs"),
        seconds=attributes.get("seconds"),
        device=str(attributes.get("device", "")),
        worker=str(attributes.get("worker", "")),
        stop_reason=str(attributes.get("stop_reason", "")),
        split_seed=attributes.get("split_seed"),
        block=attributes.get("block"),
        test_loss=attributes.get("test_loss"),
        test_accuracy=attributes.get("test_accuracy"),
        test_correct=unpack_scores(attributes),
    )


def records(study: Study) -> list[TrialRecord]:
    """Return every trial of a study, by number."""
    return [to_record(trial) for trial in study.get_trials(deepcopy=False)]
