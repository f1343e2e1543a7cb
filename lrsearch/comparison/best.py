"""Which columns may be the best one: Hsu's comparison with the best, ranks, and what to prefer inside the set."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lrsearch.comparison.arrays import BoolArray, FloatArray, IntArray
from lrsearch.comparison.inference.flips import PairFlips, null_quantile, p_value

FEWER_PARAMETERS, SMALLER_SD, BETTER_MEAN = "fewer parameters", "a smaller SD over blocks", "a better mean"


@dataclass(frozen=True, eq=False)
class WithBest:
    """Each column against the best of the others; every array is [columns].

    `p_worse` tests whether a column is worse than the best, `recommended` marks those not shown worse, `gap_high` is
    the upper limit of how far a column lies below the best one, simultaneous over the columns.
    """

    p_worse: FloatArray
    recommended: BoolArray
    gap_high: FloatArray


def compare_with_best(flips: PairFlips, columns: int, alpha: float) -> WithBest:
    """Return the one-sided max-T of each column against the best of the others, from the same residual flips.

    Only the truly best column k must not be lost, so no correction over the columns is needed: with probability
    1 - alpha, k is recommended and mean_k - mean_i + q_k x se_ik bounds its lead over every i at once. As k is one of
    the recommended, the largest such bound over them holds for all columns.
    Source: J. C. Hsu (1984), Constrained simultaneous confidence intervals for multiple comparisons with the best.
    """
    p_worse, lead = np.ones(columns), np.full((columns, columns), -np.inf)
    for column in range(columns):
        with_column = np.flatnonzero((flips.first == column) | (flips.second == column))
        if not with_column.size:
            continue
        others = np.where(flips.first[with_column] == column, flips.second[with_column], flips.first[with_column])
        toward_other = np.where(flips.first[with_column] == column, -1.0, 1.0)
        behind = (flips.statistic[with_column] * toward_other).max()
        both_signs = np.concatenate([flips.null[:, with_column], -flips.null[:, with_column]]) * toward_other
        null = both_signs.max(axis=1, keepdims=True)
        p_worse[column] = p_value(np.array([behind]), null)[0]
        margin = null_quantile(null, alpha)[0] * flips.standard_error[with_column]
        lead[column, others] = margin - flips.mean[with_column] * toward_other
    recommended = p_worse > alpha
    gap_high = np.maximum(lead[recommended].max(axis=0, initial=0.0), 0.0)
    return WithBest(p_worse, recommended, gap_high)


def of_the_only_pair(difference: FloatArray, low: FloatArray, p: FloatArray, alpha: float) -> WithBest:
    """Return what the two-sided test of two columns says of each, so that their one pair has one verdict.

    A one-sided test of each would call one of two equal columns worse twice as often as `alpha`. Every array is [2, 2]:
    by how much the first is better, the lower limit of that, and its p-value.
    """
    each, other = [0, 1], [1, 0]
    p_worse = np.where(difference[each, other] < 0, p[each, other], 1.0)
    return WithBest(p_worse, p_worse > alpha, np.maximum(-low[each, other], 0.0))


def rank_limits(difference: FloatArray, p: FloatArray, alpha: float) -> tuple[IntArray, IntArray]:
    """Return the lowest and highest rank [columns] that the tests leave, 1 being the best.

    They are 1 + the number significantly better, and the number of columns minus the number significantly worse.
    `difference` and `p` are [columns, columns]; a pair that was not tested has p = NaN and separates nothing.
    """
    better = (difference > 0) & (p <= alpha)
    return 1 + better.sum(axis=0), len(p) - better.sum(axis=1)


def prefer(names: Sequence[str], sd: Mapping[str, float], parameters: Mapping[str, int]) -> tuple[str | None, str]:
    """Return the one of `names` that the tie-breakers prefer (None where there is none), and which of them decided.

    Fewer parameters come first, then a smaller SD over the blocks. A name without a number of parameters comes last, as
    does one without an SD (NaN, of a single run). `names` stand by their means, the best first, which decides where
    none has an SD.
    """
    counts = [float(parameters.get(name, np.inf)) for name in names]
    fewest = [name for name, count in zip(names, counts, strict=True) if count == min(counts)]
    if len(fewest) == 1:
        return fewest[0], FEWER_PARAMETERS
    last = SMALLER_SD if any(np.isfinite(sd[name]) for name in fewest) else BETTER_MEAN
    decided = last if len(fewest) == len(names) else f"{FEWER_PARAMETERS}, then {last}"
    return min(fewest, key=lambda name: np.nan_to_num(sd[name], nan=np.inf), default=None), decided
