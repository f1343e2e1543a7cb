"""The familiar tests, shown beside the primary one: paired t with Holm, one planned contrast, Iman-Davenport."""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from lrsearch.comparison.arrays import FloatArray, numbers

Alternative = Literal["two-sided", "greater", "less"]


class Contrast(NamedTuple):
    """One contrast: its mean over blocks, its interval (one-sided where the test is), and its p-value."""

    estimate: float
    low: float
    high: float
    p: float


def holm(p: ArrayLike) -> FloatArray:
    """Return the p-values [tests], adjusted for their number by the step-down of Holm (1979)."""
    raw = np.asarray(p, dtype=np.float64)
    order = np.argsort(raw, kind="stable")
    adjusted = np.empty_like(raw)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(raw[order] * np.arange(len(raw), 0, -1)))
    return adjusted


def paired_t(differences: FloatArray, floor: float) -> FloatArray:
    """Return the two-sided p-values [pairs] of the paired t-test on differences[blocks, pairs], not adjusted.

    They are those of `scipy.stats.ttest_rel`, except that a variance below `floor` counts as `floor`, and that a pair
    without difference and without variance has p = 1.
    """
    blocks = len(differences)
    mean = differences.mean(axis=0)
    error = np.sqrt(np.maximum(differences.var(axis=0, ddof=1), floor) / blocks)
    t = np.divide(mean, error, out=np.where(mean == 0, 0.0, np.inf), where=error > 0)
    return np.asarray(2 * stats.t.sf(np.abs(t), blocks - 1), dtype=np.float64)


def planned_contrast(
    differences: ArrayLike, *, alpha: float = 0.05, against: float = 0.0, alternative: Alternative = "two-sided"
) -> Contrast:
    """Return the t-interval of the mean of differences[blocks] and its test against the value `against`.

    This is `scipy.stats.ttest_1samp`. Without any variance the interval is the mean itself, and p is 1 or 0.
    """
    d = numbers(differences, "differences", axes="blocks")
    mean = float(d.mean())
    if np.ptp(d) == 0:
        holds = {"two-sided": mean != against, "greater": mean > against, "less": mean < against}[alternative]
        return Contrast(mean, mean, mean, 0.0 if holds else 1.0)
    test = stats.ttest_1samp(d, against, alternative=alternative)
    interval = test.confidence_interval(1 - alpha)
    return Contrast(mean, float(interval.low), float(interval.high), float(test.pvalue))


def iman_davenport(scores: FloatArray) -> float:
    """Return the p-value that all columns of scores[blocks, columns] are alike; NaN for fewer than three columns.

    F = (R - 1) chi2 / (R (K - 1) - chi2) with K - 1 and (K - 1)(R - 1) degrees of freedom, where chi2 is Friedman's.
    Source: Iman and Davenport (1980).
    """
    blocks, columns = scores.shape
    if columns < 3:
        return float("nan")
    if (np.ptp(scores, axis=1) == 0).all():
        return 1.0
    chi2 = float(stats.friedmanchisquare(*scores.T).statistic)
    rest = blocks * (columns - 1) - chi2
    f = np.inf if rest <= 1e-9 else (blocks - 1) * chi2 / rest
    return float(stats.f.sf(f, columns - 1, (columns - 1) * (blocks - 1)))
