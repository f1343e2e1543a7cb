"""Reading trials back: FrozenTrial to TrialRecord, whatever wrote it."""

from __future__ import annotations

import math
from collections.abc import Mapping

from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from lrsearch.names import is_confirmation
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


def confirmed_runs(study: Study) -> list[TrialRecord]:
    """Return the runs of a confirmation, by number; trials that somebody added by hand are none."""
    return [record for record in records(study) if record.confirmed]


def audited_trials(study: Study) -> dict[tuple[int, int], FrozenTrial]:
    """Return {(replicate, number of the pruned trial): the finished one} of a pruning audit; none added by hand."""
    found = {}
    for trial in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        replicate, number = (whole(trial.user_attrs.get(name)) for name in ("replicate", "audited"))
        if replicate is not None and number is not None and trial.user_attrs.get("entry"):
            found[replicate, number] = trial
    return found


def trials_by_hand(study: Study) -> str:
    """Return one line on the trials of a confirmation or an audit that somebody added to it; "" if there are none."""
    kept = len(confirmed_runs(study) if is_confirmation(study.study_name) else audited_trials(study))
    added = len(study.get_trials(deepcopy=False)) - kept
    if not added:
        return ""
    trials = "1 trial was" if added == 1 else f"{added} trials were"
    return f"{trials} added to {study.study_name!r} by hand, not by lrsearch confirm: left out"


def values_by_family(study: Study) -> dict[str, list[float]]:
    """Return the values of the trials that were not pruned, by family."""
    values: dict[str, list[float]] = {}
    for trial in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        values.setdefault(family_of(trial), []).append(float(trial.values[0]))
    return values
