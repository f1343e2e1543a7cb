"""The primary test: residual max-T over the planned contrasts, with the simultaneous intervals that belong to it."""

from dataclasses import dataclass

import numpy as np

from lrsearch.comparison.arrays import FloatArray, IntArray
from lrsearch.comparison.inference.flips import PairFlips, null_quantile, p_value


@dataclass(frozen=True, eq=False)
class MaxT:
    """The residual max-T of the tested pairs; every array is [tests].

    `low`, `high` are dual to `p_single`: it is <= alpha exactly where the interval excludes 0. `p_step_down` is smaller
    or equal and may call a pair whose interval holds 0. `quantile` times a standard error is an interval's half-width.
    """

    p_single: FloatArray
    p_step_down: FloatArray
    quantile: float
    low: FloatArray
    high: FloatArray


def max_t(flips: PairFlips, alpha: float, tested: IntArray | None = None) -> MaxT:
    """Return the max-T of the pairs `tested` (indices into the pairs; all by default) at family-wise level `alpha`.

    Source: Westfall and Young (1993), Resampling-Based Multiple Testing; the free step-down of their algorithm 2.8.
    """
    tested = np.arange(len(flips.mean)) if tested is None else tested
    if not tested.size:
        nothing = np.empty(0)
        return MaxT(nothing, nothing, np.nan, nothing, nothing)
    observed = np.abs(flips.statistic[tested])
    null = np.abs(flips.null[:, tested])
    largest = null.max(axis=1, keepdims=True)
    quantile = float(null_quantile(largest, alpha)[0])
    half_width = quantile * flips.standard_error[tested]
    return MaxT(
        p_single=p_value(observed, largest),
        p_step_down=_step_down(observed, null),
        quantile=quantile,
        low=flips.mean[tested] - half_width,
        high=flips.mean[tested] + half_width,
    )


def _step_down(observed: FloatArray, null: FloatArray) -> FloatArray:
    """Return the step-down p-values [tests]: each statistic against the largest of those not above it."""
    order = np.argsort(-observed, kind="stable")
    largest_left = np.maximum.accumulate(null[:, order[::-1]], axis=1)[:, ::-1]
    p = np.empty_like(observed)
    p[order] = np.maximum.accumulate(p_value(observed[order], largest_left))
    return p
