"""The parts of a comparison: the means, what the tests say of each pair, and what may be recommended."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrsearch.comparison.arrays import FloatArray, read_only


class ReadOnly:
    """Makes every array of a dataclass a read-only copy."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if isinstance(value, np.ndarray):
                object.__setattr__(self, name, read_only(value))


@dataclass(frozen=True, eq=False)
class Means(ReadOnly):
    """Each family over its blocks, in the unit of the scores; every array is [families]."""

    mean: FloatArray  # failed runs counted, as far as they have a score
    sd: FloatArray

    @classmethod
    def of(cls, scores: FloatArray) -> Means:
        """Return mean and SD of scores[runs, families] over the runs that have a score; NaN where too few have."""
        count = np.isfinite(scores).sum(axis=0)
        nothing = np.full(scores.shape[1], np.nan)
        mean = np.divide(np.nansum(scores, axis=0), count, out=nothing.copy(), where=count > 0)
        squares = np.nansum((scores - mean) ** 2, axis=0)
        return cls(mean, np.sqrt(np.divide(squares, count - 1, out=nothing, where=count > 1)))


@dataclass(frozen=True, eq=False)
class Pairs(ReadOnly):
    """What the tests say of each pair; every array is [families, families], and row i, column j speaks of i beside j.

    NaN stands where nothing was tested: a pair outside the planned contrasts, a family with a failed run.
    """

    difference: FloatArray  # by how much i is better than j, in the unit of the scores
    low: FloatArray  # simultaneous limits of the difference
    high: FloatArray
    p: FloatArray  # single-step max-T: p <= alpha exactly where the interval excludes 0
    p_step_down: FloatArray  # step-down max-T, never above p
    p_holm: FloatArray  # paired t with Holm, the cross-check
    p_better: FloatArray  # P(a run of i beats a run of j)
    p_better_low: FloatArray  # pointwise limits
    p_better_high: FloatArray
    verdict: NDArray[np.str_]
    blocks_to_settle: FloatArray  # of a new confirmation; 0 where settled, infinity beyond 1,000, NaN without a ROPE
    omnibus_max_t: float  # the smallest p
    omnibus_iman_davenport: float


@dataclass(frozen=True, eq=False)
class Recommendation(ReadOnly):
    """Which families may be the best; every array is [families], with NaN for one that has a failed run.

    `preferred` is the recommended one that the tie-breakers choose, by `tie_breaker`.
    """

    recommended: tuple[str, ...]  # not shown worse than the best
    preferred: str | None
    tie_breaker: str
    equivalent_to_best: tuple[str, ...]  # shown to be within the ROPE of the best
    p_worse: FloatArray  # against the best of the others
    gap_high: FloatArray  # upper limit of the distance to the best, simultaneous
    rank_low: FloatArray  # 1 is best
    rank_high: FloatArray
