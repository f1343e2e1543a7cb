"""Looking while it grows: the Gaussian-mixture t martingale, whose tests and intervals hold at every number of runs.

For a mean difference m with standard error se and nu degrees of freedom, and A = 1 + c^2 n with c = 1,

    log E = -1/2 log A + (nu + 1)/2 [log(1 + t^2/nu) - log(1 + t^2/(nu A))],  t = m / se,

is the log of a martingale where there is no difference, so that min(1, 1/E) is a p-value after every run (Ville's
inequality). The interval m +- se sqrt(nu (R - 1)/(1 - R/A)) with R = (A/alpha^2)^(1/(nu + 1)) holds what would not be
rejected; it is infinite where R >= A. For paired runs E is exact under normal noise; for unpaired ones, with Welch's
standard error and degrees of freedom and n = n_A n_B/(n_A + n_B), it was chosen by simulation (docs/statistics.md).
Source: T. L. Lai (1976), On confidence sequences, The Annals of Statistics 4; Wang and Ramdas (2025), Anytime-valid
t-tests and confidence sequences for Gaussian means with unknown variance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lrsearch.comparison.arrays import BoolArray, FloatArray

FEWEST_RUNS = 3


@dataclass(frozen=True)
class Look:
    """What a number of runs says.

    Attributes:
        runs: of the candidate and of the baseline.
        difference: by how much the candidate is better on average.
        e_value: E.
        half_width: of the interval at this analysis alone; infinite where nothing is bounded yet.
        p: the smallest min(1, 1/E) up to this analysis.
        low, high: the intersection of the intervals up to this analysis; empty, low > high, where they contradict.
    """

    runs: tuple[int, int]
    difference: float
    e_value: float
    half_width: float
    p: float
    low: float
    high: float


def paired_looks(differences: FloatArray, alpha: float) -> tuple[Look, ...]:
    """Return an analysis at every number of pairs from 3 on; differences[pairs] stand in the order of running."""
    looks: list[Look] = []
    for n in range(FEWEST_RUNS, len(differences) + 1):
        d = differences[:n]
        error = float(d.std(ddof=1)) / math.sqrt(n) if np.ptp(d) else 0.0
        _append(looks, (n, n), float(d.mean()), error, freedom=n - 1, n=n, alpha=alpha)
    return tuple(looks)


def unpaired_looks(scores: FloatArray, of_candidate: BoolArray, alpha: float) -> tuple[Look, ...]:
    """Return an interim analysis after every run from which on both sides have 3.

    `scores` [runs], larger being better, stand in the order of running; `of_candidate` [runs] says whose they are.
    """
    looks: list[Look] = []
    for end in range(1, len(scores) + 1):
        a, b = (scores[:end][side[:end]] for side in (of_candidate, ~of_candidate))
        if min(len(a), len(b)) < FEWEST_RUNS:
            continue
        parts = [float(x.var(ddof=1)) / len(x) if np.ptp(x) else 0.0 for x in (a, b)]
        squares = sum(part**2 / (len(x) - 1) for part, x in zip(parts, (a, b), strict=True))
        _append(
            looks,
            (len(a), len(b)),
            float(a.mean() - b.mean()),
            math.sqrt(sum(parts)),
            freedom=sum(parts) ** 2 / squares if squares else len(a) + len(b) - 2,
            n=len(a) * len(b) / (len(a) + len(b)),
            alpha=alpha,
        )
    return tuple(looks)


def _append(
    looks: list[Look], runs: tuple[int, int], mean: float, error: float, *, freedom: float, n: float, alpha: float
) -> None:
    e_value, half_width = _martingale(mean, error, freedom, 1 + n, alpha)
    before = looks[-1] if looks else Look(runs, mean, 1.0, math.inf, 1.0, -math.inf, math.inf)
    looks.append(
        Look(
            runs=runs,
            difference=mean,
            e_value=e_value,
            half_width=half_width,
            p=min(before.p, 1 / max(e_value, 1.0)),
            low=max(before.low, mean - half_width),
            high=min(before.high, mean + half_width),
        )
    )


def _martingale(mean: float, error: float, freedom: float, spread: float, alpha: float) -> tuple[float, float]:
    """Return E and the half-width, with A = `spread`; without any scatter nothing is known: 1 and infinity."""
    if error == 0:
        return 1.0, math.inf
    t2 = (mean / error) ** 2
    gain = math.log1p(t2 / freedom) - math.log1p(t2 / (freedom * spread))
    log_e = -0.5 * math.log(spread) + (freedom + 1) / 2 * gain
    ratio = (spread / alpha**2) ** (1 / (freedom + 1))
    wide = ratio >= spread
    half_width = math.inf if wide else error * math.sqrt(freedom * (ratio - 1) / (1 - ratio / spread))
    return math.exp(min(log_e, 700.0)), half_width
