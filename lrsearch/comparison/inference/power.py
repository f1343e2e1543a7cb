"""What a budget buys: the power of the primary test before anything runs, and the blocks that would settle a pair."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from lrsearch.comparison.arrays import FloatArray, numbers
from lrsearch.comparison.inference.flips import flip_pairs
from lrsearch.comparison.inference.maxt import max_t
from lrsearch.errors import InputError

# A confirmation longer than this is no advice.
MOST_BLOCKS = 1000


@dataclass(frozen=True)
class Noise:
    """The noise of a pilot: SD over blocks (points) of one column, and the correlation of two columns in a block."""

    sd: float
    correlation: float


@dataclass(frozen=True, eq=False)
class Power:
    """The power for one given pair when all planned pairs are tested at once.

    `reach` (points, sorted) holds, for each simulated comparison, the true difference that it would have detected.
    """

    blocks: int
    families: int
    alpha: float
    reach: FloatArray

    def power(self, difference: float) -> float:
        """Return the probability that a true difference, in points, is detected, in its own direction."""
        return float(np.searchsorted(self.reach, difference) / len(self.reach))

    def detectable(self, power: float = 0.8) -> float:
        """Return the true difference, in points, that is detected with probability `power`."""
        return float(np.quantile(self.reach, power))


def pilot_noise(scores: ArrayLike) -> Noise:
    """Return the pooled SD and the mean correlation between columns from a pilot's scores[blocks, families].

    The mean covariance over pairs by the mean variance: what a compound-symmetric model of the noise needs.
    """
    covariance = np.cov(numbers(scores, "scores", axes="blocks, families"), rowvar=False)
    if covariance.ndim != 2:
        raise InputError("a pilot needs at least two families to measure their correlation")
    variance = float(np.diag(covariance).mean())
    shared = float(covariance[np.triu_indices(len(covariance), k=1)].mean())
    return Noise(float(np.sqrt(variance)), shared / variance if variance else 0.0)


def plan_power(
    noise: Noise,
    *,
    blocks: int,
    families: int,
    rng: np.random.Generator,
    alpha: float = 0.05,
    against_reference: bool = False,
    simulations: int = 400,
) -> Power:
    """Return the power of the single-step residual max-T for `blocks` blocks of `families` columns, by simulation.

    Normal noise, the same for every column. The flips are those of centred residuals, so that a true difference moves
    the observed mean alone: one null simulation gives, for each of its pairs, quantile x standard error - mean, the
    difference that it would have detected. Step-down is a little more powerful.

    Raises:
        InputError: fewer than 6 blocks or 2 families, a negative SD, or a correlation outside 0 .. 1.
    """
    if blocks < 6 or families < 2 or not 0 <= noise.correlation < 1 or noise.sd < 0:
        raise InputError(
            "a plan needs 6 blocks, 2 families, an SD of 0 or more and a correlation from 0 to below 1, but has "
            f"{blocks} blocks, {families} families, SD {noise.sd:g}, correlation {noise.correlation:g}"
        )
    own_sd = noise.sd * np.sqrt(1 - noise.correlation)  # what a block's columns share cancels in every difference
    reach = []
    for _ in range(simulations):
        flips = flip_pairs(rng.normal(0.0, own_sd, (blocks, families)), rng)
        tested = np.flatnonzero(flips.first == 0) if against_reference else np.arange(len(flips.first))
        result = max_t(flips, alpha, tested)
        half_width = result.quantile * flips.standard_error[tested]
        reach.append(np.concatenate([half_width - flips.mean[tested], half_width + flips.mean[tested]]))
    return Power(blocks, families, alpha, np.sort(np.concatenate(reach)))


def blocks_to_settle(
    sd: float, *, quantile: float, blocks: int, half_width: float, sampling_variance: float = 0.0
) -> float:
    """Return the blocks of a new comparison whose simultaneous interval has the given half-width (points).

    `sd` (points) is that of the pair's differences, `quantile` the max-T quantile found with `blocks` blocks. With R
    blocks the quantile is taken as that of a t with R - 1 degrees of freedom at the same tail probability. What the
    test examples add does not shrink with blocks. Beyond 1,000 blocks the answer is infinity.
    """
    tail = stats.t.sf(quantile, blocks - 1)
    candidates = np.arange(6, MOST_BLOCKS + 1)
    reached = stats.t.isf(tail, candidates - 1) * np.sqrt(sd**2 / candidates + sampling_variance)
    enough = candidates[reached <= half_width]
    return float(enough[0]) if enough.size else float("inf")
