"""The probability that a run of one configuration beats a run of another, with a pointwise interval."""

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from lrsearch.comparison.arrays import Interval, numbers


def probability_better(first: ArrayLike, second: ArrayLike, *, alpha: float = 0.05) -> Interval:
    """Return P(first > second) + P(equal) / 2 of two independent runs, from scores first[blocks] and second[blocks].

    The interval is a t-interval on the logit with the variance of Brunner and Munzel (2000), which takes the two
    columns as independent; blocks that they share make it wider than it need be. At complete separation it is the exact
    bound from as many runs as there are blocks: 1 down to (alpha/2)^(1/blocks).
    """
    a, b = numbers(first, "first", axes="blocks"), numbers(second, "second", axes="blocks")
    wins = (a[:, None] > b) + 0.5 * (a[:, None] == b)
    p = float(wins.mean())
    exact = (alpha / 2) ** (1 / min(len(a), len(b)))
    if p in (0.0, 1.0):
        return Interval(p, exact if p else 0.0, 1.0 if p else 1 - exact)
    parts = np.array([wins.mean(axis=1).var(ddof=1) / len(a), wins.mean(axis=0).var(ddof=1) / len(b)])
    if not parts.any():
        # Both columns are constant and equal: nothing is known but the number of runs.
        return Interval(p, 1 - exact, exact)
    freedom = parts.sum() ** 2 / (parts**2 / (np.array([len(a), len(b)]) - 1)).sum()
    half_width = stats.t.isf(alpha / 2, freedom) * np.sqrt(parts.sum()) / (p * (1 - p))
    logit = np.log(p / (1 - p))
    low, high = 1 / (1 + np.exp(-logit + half_width)), 1 / (1 + np.exp(-logit - half_width))
    return Interval(p, float(low), float(high))
