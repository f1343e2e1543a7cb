"""Unpaired groups of unequal size and scatter: a max-T of Welch statistics, calibrated by a parametric bootstrap.

Chosen by simulation: see `studies/unpaired_errors.py` and docs/statistics.md. It assumes roughly symmetric noise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from lrsearch.comparison.arrays import BoolArray, FloatArray, IntArray
from lrsearch.comparison.inference.power import MOST_BLOCKS
from lrsearch.errors import InputError

FEWEST_RUNS = 3
DRAWS = 50_000
_ROWS_AT_ONCE = 10_000
_WEIGHT_LEVEL = 0.98
_SIGMA_LEVEL = 0.01


@dataclass(frozen=True, eq=False)
class RunGroups:
    """What the tests need of groups of runs; every array is [groups].

    Attributes:
        counts: the runs of each group.
        means: of their scores.
        variances: of a single score (ddof 1); NaN for one run.
        sigma: the SD of a single score where it is known beforehand, the same for all groups.
    """

    counts: IntArray
    means: FloatArray
    variances: FloatArray
    sigma: float | None = None

    @classmethod
    def of(cls, runs: Sequence[FloatArray], sigma: float | None = None) -> RunGroups:
        """Return the groups of `runs`, an array [runs] of scores for each group."""
        return cls(
            counts=np.array([len(scores) for scores in runs], dtype=np.int64),
            means=np.array([scores.mean() for scores in runs]),
            variances=np.array([scores.var(ddof=1) if len(scores) > 1 else np.nan for scores in runs]),
            sigma=sigma,
        )

    @property
    def mean_variances(self) -> FloatArray:
        """V_k [groups], the variance of each mean: s_k^2 / n_k, or sigma^2 / n_k."""
        return (self.variances if self.sigma is None else self.sigma**2) / self.counts

    @property
    def weights(self) -> FloatArray:
        """c_k [groups]: the 98 % quantile of a t with n_k - 1 degrees of freedom, or 1 where sigma is known.

        Source of the scaling: Cochran and Cox (1957), Experimental Designs, section 4.14.
        """
        if self.sigma is not None:
            return np.ones(len(self.counts))
        return np.asarray(stats.t.ppf(_WEIGHT_LEVEL, self.counts - 1), dtype=np.float64)

    @property
    def standard_error(self) -> FloatArray:
        """se_ij = sqrt(V_i + V_j) [groups, groups]."""
        return np.sqrt(self.mean_variances[:, None] + self.mean_variances)

    @property
    def scale(self) -> FloatArray:
        """C_ij = (c_i V_i + c_j V_j) / (V_i + V_j) [groups, groups]."""
        weighted = self.weights * self.mean_variances
        return (weighted[:, None] + weighted) / (self.mean_variances[:, None] + self.mean_variances)

    @property
    def freedom(self) -> FloatArray:
        """Welch's degrees of freedom [groups, groups]; infinity where sigma is known.

        (V_i + V_j)^2 / (V_i^2 / (n_i - 1) + V_j^2 / (n_j - 1)), from B. L. Welch (1947), Biometrika 34.
        """
        if self.sigma is not None:
            return np.full((len(self.counts),) * 2, np.inf)
        parts = self.mean_variances**2 / (self.counts - 1)
        return np.asarray(self.standard_error**4 / (parts[:, None] + parts), dtype=np.float64)

    @property
    def sigma_contradicted(self) -> bool:
        """Whether the pooled variance lies outside what the known sigma allows in 99 % of cases (chi-square)."""
        freedom = int((self.counts - 1).sum())
        if self.sigma is None or not freedom:
            return False
        squares = float(np.nansum(self.variances * (self.counts - 1))) / self.sigma**2
        return bool(2 * min(stats.chi2.sf(squares, freedom), stats.chi2.cdf(squares, freedom)) < _SIGMA_LEVEL)


@dataclass(frozen=True, eq=False)
class WelchMaxT:
    """What the max-T says of groups; arrays are [groups, groups] unless said, row i, column j being i minus j.

    Attributes:
        difference: mean_i - mean_j.
        half_width: of its simultaneous interval, which is open above where the test is one-sided; NaN for a pair that
            was not planned.
        p: at most alpha exactly where the interval excludes 0; NaN for a pair that was not planned.
        p_welch: of the pair's own two-sided Welch test, not adjusted (normal where sigma is known).
        quantile: lambda, which times `RunGroups.scale` times a standard error is a half-width before Welch's floor.
        p_worse: [groups], one-sided, of each group against the best of the others.
        lead: the upper limit of mean_i - mean_j for the one group i that is truly the best; -infinity on the diagonal.
    """

    difference: FloatArray
    half_width: FloatArray
    p: FloatArray
    p_welch: FloatArray
    quantile: float
    p_worse: FloatArray
    lead: FloatArray


def welch_max_t(
    groups: RunGroups,
    rng: np.random.Generator,
    *,
    alpha: float,
    planned: BoolArray | None = None,
    one_sided: bool = False,
    draws: int = DRAWS,
) -> WelchMaxT:
    """Return simultaneous tests and intervals of the differences between groups, of which a larger mean is better.

    With U_ij = |mean_i - mean_j| / (se_ij C_ij), the null distribution of the largest U over the planned pairs is drawn
    from normal means with the variances V_k and from variances V_k chi^2 / (n_k - 1). A p-value is never below that of
    the pair's own Welch test, and an interval never narrower than Welch's. `p_worse` is the same with signs: the
    largest (mean_i - mean_k) / (se C) over i against its own maximum in the draws.

    Args:
        groups: with three runs or more each and some scatter, or any number where sigma is known.
        rng: draws first the means, then the variances, each [draws, groups].
        alpha: the family-wise error rate.
        planned: [groups, groups], symmetric, which pairs are tested; all if None.
        one_sided: each planned pair (i, j) asks whether i is better than j, and `planned` need not be symmetric.
        draws: of the bootstrap.

    Raises:
        InputError: an alpha that this number of draws cannot reach.
    """
    count = len(groups.counts)
    apart = ~np.eye(count, dtype=bool)
    planned = apart if planned is None else planned & apart
    rank = math.ceil(round((1 - alpha) * (draws + 1), 9))
    if not 1 <= rank <= draws:
        raise InputError(f"alpha must be from {1 / (draws + 1):.2g} to below 1, got {alpha:g}")
    size = np.asarray if one_sided else np.abs
    largest, worst = _draw(groups, planned, size, rng, draws)
    difference = groups.means[:, None] - groups.means
    error, scale, freedom = groups.standard_error, groups.scale, groups.freedom
    statistic = difference / (error * scale)
    quantile = float(np.partition(largest, rank - 1)[rank - 1])
    sigma_given = groups.sigma is not None
    t = difference / error
    p_welch = 2 * stats.t.sf(np.abs(t), freedom)
    floor = 0.0 if sigma_given else stats.t.sf(t, freedom) if one_sided else p_welch
    behind = np.where(apart, -statistic, -np.inf).max(axis=1)
    p_behind = np.zeros(count) if sigma_given else np.where(apart, stats.t.cdf(t, freedom), 1.0).min(axis=1)
    lead_quantiles = np.partition(worst, rank - 1, axis=0)[rank - 1]
    upper, two_sided = (0.0, 0.0) if sigma_given else (stats.t.ppf(1 - part, freedom) for part in (alpha, alpha / 2))
    half_width = np.maximum(quantile * scale, upper if one_sided else two_sided) * error
    lead = difference + np.maximum(lead_quantiles[:, None] * scale, upper) * error
    return WelchMaxT(
        difference=difference,
        half_width=np.where(planned, half_width, np.nan),
        p=np.where(planned, np.maximum(_share(largest, size(statistic)), floor), np.nan),
        p_welch=np.asarray(p_welch, dtype=np.float64),
        quantile=quantile,
        p_worse=np.array([max(_share(worst[:, k], behind[k]), p_behind[k]) for k in range(count)]),
        lead=np.where(apart, lead, -np.inf),
    )


def _draw(
    groups: RunGroups,
    planned: BoolArray,
    size: Callable[[FloatArray], FloatArray],
    rng: np.random.Generator,
    draws: int,
) -> tuple[FloatArray, FloatArray]:
    """Return the largest U* over the planned pairs [draws], and for each k the largest signed U*_ik [draws, groups].

    `size` is the absolute value, or leaves the sign where tests are one-sided.
    """
    count, spread, weights = len(groups.counts), groups.mean_variances, groups.weights
    means = rng.standard_normal((draws, count)) * np.sqrt(spread)
    if groups.sigma is None:
        variances = spread * rng.chisquare(groups.counts - 1, (draws, count)) / (groups.counts - 1)
    else:
        variances = np.broadcast_to(spread, (draws, count))
    largest, worst = np.full(draws, -np.inf), np.empty((draws, count))
    for start in range(0, draws, _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        d, v = means[rows], variances[rows]
        weighted = weights * v
        for k in range(count):
            signed = (d - d[:, k, None]) * np.sqrt(v + v[:, k, None]) / (weighted + weighted[:, k, None])
            asked = size(signed[:, planned[:, k]])
            largest[rows] = np.maximum(largest[rows], asked.max(axis=1, initial=-np.inf))
            signed[:, k] = -np.inf
            worst[rows, k] = signed.max(axis=1)
    return largest, worst


def _share(null: FloatArray, statistic: FloatArray) -> FloatArray:
    """Return (1 + the number of null[draws] at least as large as each statistic) / (1 + draws)."""
    smaller = np.searchsorted(np.sort(null), statistic, side="left")
    return np.asarray((1 + len(null) - smaller) / (1 + len(null)), dtype=np.float64)


def runs_to_settle(groups: RunGroups, tests: WelchMaxT, half_width: float) -> FloatArray:
    """Return the runs [groups, groups] each of a new comparison whose intervals have the given half-width.

    The quantile of a pair is taken as that of a t at the same tail probability, with the degrees of freedom of as many
    runs in both groups. Beyond 1,000 runs, and for a half-width of NaN, the answer is infinity.
    """
    candidates = np.arange(FEWEST_RUNS, MOST_BLOCKS + 1)[:, None, None]
    tail = stats.t.sf(tests.half_width / groups.standard_error, groups.freedom)
    if groups.sigma is None:
        of_one = groups.variances[:, None] + groups.variances
        per_run = of_one**2 / (groups.variances[:, None] ** 2 + groups.variances**2)
        quantile = stats.t.isf(tail, (candidates - 1) * per_run)
    else:
        of_one, quantile = np.full_like(tail, 2 * groups.sigma**2), stats.norm.isf(tail)
    enough = quantile * np.sqrt(of_one / candidates) <= half_width
    reached = np.where(enough.any(axis=0), candidates[:, 0, 0][enough.argmax(axis=0)], np.inf)
    return np.asarray(reached, dtype=np.float64)
