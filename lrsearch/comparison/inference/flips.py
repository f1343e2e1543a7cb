"""The null distribution of every test here: signs of whole blocks of the centred paired differences, flipped."""

from dataclasses import dataclass

import numpy as np

from lrsearch.comparison.arrays import BoolArray, FloatArray, IntArray, pairs_of
from lrsearch.errors import InputError

ENUMERATED_BLOCKS = 13
DRAWN_PATTERNS = 4096
# Statistics closer than this are ties: they differ by rounding alone, which depends on the order of the columns.
TIE = 1e-9


@dataclass(frozen=True, eq=False)
class PairFlips:
    """The paired differences of all pairs of columns, and what they would be if no pair differed.

    `first`, `second`, `mean` are [pairs]: the pair (i, j) and mean_i - mean_j; `seed_sd` is the moderated SD of a
    block's difference, `sampling_variance` what drawing the test examples adds to the variance of the mean.
    `null` [patterns, pairs] holds the signed statistic of each flip pattern, one sign a block shared by all pairs.
    """

    blocks: int
    first: IntArray
    second: IntArray
    mean: FloatArray
    seed_sd: FloatArray
    sampling_variance: FloatArray
    null: FloatArray

    @property
    def standard_error(self) -> FloatArray:
        """The moderated standard error [pairs] of the mean differences."""
        return np.sqrt(self.seed_sd**2 / self.blocks + self.sampling_variance)

    @property
    def statistic(self) -> FloatArray:
        """The signed statistic [pairs]; 0 where there is neither a difference nor a standard error."""
        return np.divide(self.mean, self.standard_error, out=np.zeros_like(self.mean), where=self.standard_error > 0)


def sign_patterns(blocks: int, rng: np.random.Generator) -> FloatArray:
    """Return signs [patterns, blocks]: all, up to a common sign, for 13 blocks or fewer, and 4,096 drawn beyond."""
    if blocks <= ENUMERATED_BLOCKS:
        codes = np.arange(2 ** (blocks - 1))
        bits = (codes[:, None] >> np.arange(blocks)) & 1
    else:
        bits = rng.integers(2, size=(DRAWN_PATTERNS, blocks))
    return 1.0 - 2.0 * bits.astype(np.float64)


def rounding_variance(scores: FloatArray) -> float:
    """Return the variance that rounding alone gives a difference: 2 x step^2 / 12.

    The step is the smallest gap between two scores. Without any two different scores it is 0.
    """
    gaps = np.diff(np.unique(scores))
    gaps = gaps[gaps > TIE * np.abs(scores).max(initial=0.0)]
    return float(gaps.min() ** 2 / 6) if gaps.size else 0.0


def moderated(variance: FloatArray) -> FloatArray:
    """Return variances [..., pairs] moved half-way to their median over the pairs."""
    return 0.5 * (variance + np.median(variance, axis=-1, keepdims=True))


def flip_pairs(scores: FloatArray, rng: np.random.Generator, sampling_variance: FloatArray | None = None) -> PairFlips:
    """Return the paired differences of scores[blocks, columns] with their residual-flip null distribution.

    For differences d[blocks, pairs] with mean m and residuals c = d - m, each pattern of signs gives a mean and a
    variance of the flipped c, and from them a statistic; the observed one is m / sqrt(moderated variance / blocks).
    `sampling_variance` [pairs] widens the observed standard error alone: the seeds' null, whose tails are the heavier,
    stays conservative.

    The blocks are first put in an order of their own, by the size of their residuals: drawn patterns then fall on the
    same blocks however a table orders them.
    """
    blocks, columns = scores.shape
    first, second = pairs_of(columns)
    if not first.size:
        none = np.empty(0)
        return PairFlips(blocks, first, second, none, none, none, np.empty((0, 0)))
    centred = scores - scores.mean(axis=0)
    interaction = centred - centred.mean(axis=1, keepdims=True)
    order = np.argsort((interaction**2).sum(axis=1), kind="stable")
    residuals = (centred[:, first] - centred[:, second])[order]
    floor = rounding_variance(scores)
    squares = (residuals**2).sum(axis=0)
    null_mean = sign_patterns(blocks, rng) @ residuals / blocks
    null_variance = np.maximum((squares - blocks * null_mean**2) / (blocks - 1), floor)
    null_error = np.sqrt(moderated(null_variance) / blocks)
    return PairFlips(
        blocks=blocks,
        first=first,
        second=second,
        mean=(scores[:, first] - scores[:, second]).mean(axis=0),
        seed_sd=np.sqrt(moderated(np.maximum(squares / (blocks - 1), floor))),
        sampling_variance=np.zeros(len(first)) if sampling_variance is None else sampling_variance,
        null=np.divide(null_mean, null_error, out=np.zeros_like(null_mean), where=null_error > 0),
    )


def p_value(statistic: FloatArray, null: FloatArray) -> FloatArray:
    """Return (1 + number of null[patterns, tests] at least as large as statistic[tests]) / (1 + patterns)."""
    larger = (null >= statistic - TIE * np.abs(statistic)).sum(axis=0)
    return np.asarray((1 + larger) / (1 + len(null)), dtype=np.float64)


def null_quantile(null: FloatArray, alpha: float) -> FloatArray:
    """Return the largest statistics [tests] that `p_value` does not reject at level `alpha`.

    `null` is [patterns, tests]; must be attainable with that many patterns (`require_attainable`).
    """
    patterns = len(null)
    rank = patterns - int(np.floor(alpha * (patterns + 1) + TIE))
    return np.asarray(np.partition(null, rank, axis=0)[rank] * (1 + TIE), dtype=np.float64)


def require_attainable(alpha: float, blocks: int) -> None:
    """Raise InputError where the flips of `blocks` blocks cannot give a p-value of `alpha` or less."""
    patterns = 2 ** (blocks - 1) if blocks <= ENUMERATED_BLOCKS else DRAWN_PATTERNS
    smallest = 1 / (1 + patterns)
    if smallest <= alpha:
        return
    enough = next((more for more in range(blocks, ENUMERATED_BLOCKS + 1) if 1 / (1 + 2 ** (more - 1)) <= alpha), None)
    remedy = f"use {enough} blocks or more, or a larger alpha" if enough else "use a larger alpha"
    least = f"smallest p-value {smallest:.3g}"
    raise InputError(f"alpha {alpha:g} is unattainable with {blocks} blocks ({least}): {remedy}")


def sampling_variance(correct: FloatArray | BoolArray) -> FloatArray:
    """Return what drawing the test examples adds to the variance of each mean difference [pairs], in its unit squared.

    `correct` [blocks, columns, examples] is what a run scored on each example. With seeds and examples crossed at
    random, the variance of a mean difference over R blocks and N examples is V_seeds + V_examples - V_both, each
    estimated from its own mean square (per block mean / R, per example mean / N, residual / RN). V_seeds is what the
    paired differences have anyway; the rest, where positive, is returned.
    Source: Owen (2007), The pigeonhole bootstrap (the variance of a doubly exchangeable mean).
    """
    blocks, columns, examples = correct.shape
    first, second = pairs_of(columns)
    products = np.zeros((columns, columns))
    for block in correct:
        right = block.astype(np.float64)
        products += right @ right.T
    by_block = correct.mean(axis=2, dtype=np.float64)
    by_example = correct.mean(axis=0, dtype=np.float64)
    total = products[first, first] + products[second, second] - 2 * products[first, second]
    block_mean = by_block[:, first] - by_block[:, second]
    grand = block_mean.mean(axis=0)
    example_squares = np.array(
        [((by_example[i] - by_example[j]) ** 2).sum() for i, j in zip(first, second, strict=True)], dtype=np.float64
    )
    residual = total - examples * (block_mean**2).sum(axis=0) - blocks * example_squares + blocks * examples * grand**2
    of_examples = (example_squares - examples * grand**2) / ((examples - 1) * examples)
    of_both = residual / ((blocks - 1) * (examples - 1) * blocks * examples)
    return np.asarray(np.maximum(of_examples - of_both, 0.0), dtype=np.float64)
