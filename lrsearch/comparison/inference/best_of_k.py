"""What more trials buy: the expected best of k and a band for the median best of k, from random trials."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from lrsearch.comparison.arrays import FloatArray, IntArray, numbers, read_only
from lrsearch.errors import InputError


@dataclass(frozen=True, eq=False)
class BudgetCurve:
    """The best of k random trials; every array is [budgets].

    `expected_best` is the unbiased mean, `median_low` and `median_high` the pointwise band of the median; NaN where N
    trials give no such limit (the upper one for k > N / 5.32 at alpha = 0.05).
    """

    k: IntArray
    expected_best: FloatArray
    median_low: FloatArray
    median_high: FloatArray


def expected_best(values: ArrayLike, k: int) -> float:
    """Return the mean of the best of k over all subsets of k trials, from values[trials]; higher is better.

    The U-statistic sum_i C(i-1, k-1) / C(N, k) y_(i) over the sorted values. Drawing with replacement (the V-statistic)
    is biased low.
    """
    y = np.sort(numbers(values, "values", axes="trials"))
    trials = len(y)
    if not 1 <= k <= trials:
        raise InputError(f"k must lie between 1 and the number of trials {trials}, but is {k}")
    # The weight of the largest is k/N; each one below has the next one's weight times (rank - k + 1) / rank.
    ranks = np.arange(trials - 1, 0, -1)
    weights = k / trials * np.concatenate([[1.0], np.cumprod(np.maximum(ranks - k + 1, 0) / ranks)])
    return float(weights @ y[::-1])


def median_best_band(values: ArrayLike, k: int, *, alpha: float = 0.05) -> tuple[float, float]:
    """Return the limits of the median best of k, which is the quantile 0.5^(1/k) of one trial; NaN where there is none.

    From order statistics (`scipy.stats.quantile_test`), so exact for any distribution. An upper limit exists only
    while 0.5^(N/k) <= alpha/2, that is for k <= N / 5.32 at alpha = 0.05.
    """
    y = numbers(values, "values", axes="trials")
    if k < 1 or not y.size:
        raise InputError(f"k must be at least 1 and values not empty, but k is {k} with {y.size} values")
    limits = stats.quantile_test(y, p=0.5 ** (1 / k)).confidence_interval(1 - alpha)
    return float(limits.low), float(limits.high)


def budget_curve(values: ArrayLike, budgets: Sequence[int], *, alpha: float = 0.05) -> BudgetCurve:
    """Return the curve of the best of k for each k of `budgets`, from final scores values[trials].

    It holds for trials that were drawn at random and not pruned; of others it describes their own search alone.
    """
    bands = np.array([median_best_band(values, k, alpha=alpha) for k in budgets]).reshape(-1, 2)
    return BudgetCurve(
        k=read_only(np.array(budgets, dtype=np.int64)),
        expected_best=read_only(np.array([expected_best(values, k) for k in budgets])),
        median_low=read_only(bands[:, 0]),
        median_high=read_only(bands[:, 1]),
    )
