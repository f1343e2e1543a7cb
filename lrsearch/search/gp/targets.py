"""What the model is taught of a trial's outcome: its place among the others, free of the metric's scale."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState
from scipy.special import ndtri
from scipy.stats import rankdata

FloatArray: TypeAlias = NDArray[np.float64]

_NOWHERE = -1


class Outcomes:
    """A number for each finished trial, larger is better: its value, or -inf where that is not finite.

    A pruned trial is placed as its last report stands among the complete trials' reports at that epoch: with a share p
    of them below it, it has the p-quantile of their values. Its last report as it is would call a schedule that
    improves late a bad one.
    """

    def __init__(self, direction: StudyDirection) -> None:
        self._sign = 1.0 if direction == StudyDirection.MAXIMIZE else -1.0
        self._values: list[float] = []
        self._stopped: list[int] = []  # the epoch at which a trial was pruned, _NOWHERE for other trials
        self._last: list[float] = []  # the report of that epoch
        self._complete: list[int] = []  # the places of trials that were not pruned
        self._curves: list[Mapping[int, float]] = []  # their reports
        self._columns: dict[int, list[float]] = {}  # by epoch: what the first of them reported

    def add(self, trials: Iterable[FrozenTrial]) -> None:
        """Take in more trials; what they come to together does not depend on how many come at a time."""
        for trial in trials:
            value = math.nan if trial.value is None else self._sign * trial.value
            epoch = trial.last_step if trial.state == TrialState.PRUNED else None
            if trial.state != TrialState.PRUNED:
                self._complete.append(len(self._values))
                self._curves.append(trial.intermediate_values)
            self._values.append(value if math.isfinite(value) else -math.inf)
            self._stopped.append(_NOWHERE if epoch is None else epoch)
            self._last.append(-math.inf if epoch is None else self._sign * trial.intermediate_values[epoch])

    def values(self) -> FloatArray:
        """Return the outcomes, in the order in which the trials came."""
        values, stopped, last = np.array(self._values), np.array(self._stopped), np.array(self._last)
        if not self._complete:
            return values
        ranked = np.sort(values[self._complete])
        for epoch in np.unique(stopped[stopped != _NOWHERE]).tolist():
            here = np.flatnonzero(stopped == epoch)
            below = np.searchsorted(np.sort(self._column(epoch)), last[here]) / len(ranked)
            values[here] = ranked[np.floor(below * (len(ranked) - 1)).astype(np.intp)]
        return values

    def _column(self, epoch: int) -> list[float]:
        """Return what every complete trial reported at an epoch, -inf if nothing."""
        column = self._columns.setdefault(epoch, [])
        new = self._curves[len(column) :]
        column += [self._sign * curve.get(epoch, -self._sign * math.inf) for curve in new]
        return column


def outcomes(trials: Iterable[FrozenTrial], direction: StudyDirection) -> FloatArray:
    """Return the outcomes of some trials among themselves."""
    collected = Outcomes(direction)
    collected.add(trials)
    return collected.values()


def normal_scores(values: FloatArray) -> FloatArray:
    """Return ndtri((rank - 1/2) / n) of values, ties at their mean rank; the largest has the largest score."""
    return np.asarray(ndtri((rankdata(values) - 0.5) / max(len(values), 1)))
