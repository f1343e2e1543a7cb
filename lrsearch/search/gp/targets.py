"""What the model is taught of a trial's outcome: its place among the others, free of the metric's scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState
from scipy.special import ndtri
from scipy.stats import rankdata

FloatArray: TypeAlias = NDArray[np.float64]


def outcomes(trials: Sequence[FrozenTrial], direction: StudyDirection) -> FloatArray:
    """Return a number for each finished trial, larger is better: its value, or -inf where that is not finite.

    A pruned trial is placed as its last report stands among the complete trials' reports at that epoch: with a share p
    of them below it, it has the p-quantile of their values. Its last report as it is would call a schedule that
    improves late a bad one.
    """
    sign = 1.0 if direction == StudyDirection.MAXIMIZE else -1.0
    values = sign * np.array([np.nan if trial.value is None else trial.value for trial in trials], dtype=np.float64)
    values = np.where(np.isfinite(values), values, -np.inf)
    stopped = np.array([trial.last_step if trial.state == TrialState.PRUNED else None for trial in trials])
    complete = [trial for trial in trials if trial.state != TrialState.PRUNED]
    if not complete:
        return values
    ranked = np.sort([value for value, trial in zip(values, trials, strict=True) if trial.state != TrialState.PRUNED])
    for epoch in {epoch for epoch in stopped if epoch is not None}:
        reports = np.sort([sign * trial.intermediate_values.get(epoch, -sign * np.inf) for trial in complete])
        here = np.flatnonzero(stopped == epoch)
        below = np.searchsorted(reports, [sign * trials[i].intermediate_values[epoch] for i in here.tolist()]) / len(
            reports
        )
        values[here] = ranked[np.floor(below * (len(ranked) - 1)).astype(np.intp)]
    return values


def normal_scores(values: FloatArray) -> FloatArray:
    """Return ndtri((rank - 1/2) / n) of values, ties at their mean rank; the largest has the largest score."""
    return np.asarray(ndtri((rankdata(values) - 0.5) / max(len(values), 1)))
