"""What the model is taught of a trial's outcome: its place among the others, free of the metric's scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial
from scipy.special import ndtri
from scipy.stats import rankdata

FloatArray: TypeAlias = NDArray[np.float64]


def outcomes(trials: Sequence[FrozenTrial], direction: StudyDirection) -> FloatArray:
    """Return a number for each finished trial, larger is better; -inf for a value that is none.

    That of a pruned trial is its last report.
    """
    sign = 1.0 if direction == StudyDirection.MAXIMIZE else -1.0
    values = np.array([np.nan if trial.value is None else trial.value for trial in trials], dtype=np.float64)
    return np.where(np.isfinite(values), sign * values, -np.inf)


def normal_scores(values: FloatArray) -> FloatArray:
    """Return ndtri((rank - 1/2) / n) of values, ties at their mean rank; the largest has the largest score."""
    return np.asarray(ndtri((rankdata(values) - 0.5) / max(len(values), 1)))
