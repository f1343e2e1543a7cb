"""All tests of one comparison, laid out over its pairs and its columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrsearch.comparison.arrays import FloatArray, IntArray, pairs_of
from lrsearch.comparison.best import WithBest, of_the_only_pair, prefer, rank_limits
from lrsearch.comparison.inference.crosscheck import holm, iman_davenport, paired_t
from lrsearch.comparison.inference.flips import PairFlips, rounding_variance
from lrsearch.comparison.inference.maxt import max_t
from lrsearch.comparison.inference.power import blocks_to_settle
from lrsearch.comparison.inference.probability import probability_better
from lrsearch.comparison.parts import Means, Pairs, Recommendation
from lrsearch.comparison.settings import Settings
from lrsearch.comparison.words.sentences import FAILED, SAME, UNDECIDED, pair_verdict


def analyse_pairs(scores: FloatArray, alive: IntArray, flips: PairFlips, tested: IntArray, settings: Settings) -> Pairs:
    """Return the results of the `tested` pairs of scores[blocks, columns], of which more is better.

    `flips` are those of the `alive` columns.
    """
    alpha, rope = settings.alpha, settings.rope
    first, second = flips.first[tested], flips.second[tested]
    layout = Layout(scores.shape[1], alive, alive[first], alive[second])
    primary = max_t(flips, alpha, tested)
    kept = scores[:, alive]
    raw_p = paired_t(kept[:, first] - kept[:, second], rounding_variance(kept))
    low = layout.pairs(primary.low, -primary.high, diagonal=0.0)
    high = layout.pairs(primary.high, -primary.low, diagonal=0.0)
    verdict = verdicts(low, high, rope, alive)
    needed = [
        np.nan
        if rope is None
        else blocks_to_settle(
            sd, quantile=primary.quantile, blocks=len(scores), half_width=rope / 2, sampling_variance=added
        )
        for sd, added in zip(flips.seed_sd[tested], flips.sampling_variance[tested], strict=True)
    ]
    open_pairs = verdict[layout.first, layout.second] == UNDECIDED
    p_better, p_better_low, p_better_high = probabilities(list(scores.T), alive, alpha)
    return Pairs(
        difference=layout.pairs(flips.mean[tested], -flips.mean[tested], diagonal=0.0),
        low=low,
        high=high,
        p=layout.symmetric(primary.p_single, diagonal=1.0),
        p_step_down=layout.symmetric(primary.p_step_down, diagonal=1.0),
        p_holm=layout.symmetric(holm(raw_p), diagonal=1.0),
        p_better=p_better,
        p_better_low=p_better_low,
        p_better_high=p_better_high,
        verdict=verdict,
        blocks_to_settle=layout.symmetric(np.where(open_pairs, needed, 0.0), diagonal=0.0),
        omnibus_max_t=float(primary.p_single.min()) if tested.size else float("nan"),
        omnibus_iman_davenport=iman_davenport(kept),
    )


def recommend(
    names: tuple[str, ...],
    alive: IntArray,
    best: WithBest,
    pairs: Pairs,
    means: Means,
    parameters: Mapping[str, int],
    settings: Settings,
) -> Recommendation:
    """Return which of the columns `names` may be the best, from the comparison of the `alive` ones with the best.

    `means` and `parameters` (their number by name) are for the tie-breakers.
    """
    layout = Layout.of(len(names), alive)
    among = np.ix_(alive, alive)
    if len(alive) == 2 and not settings.one_sided:
        best = of_the_only_pair(pairs.difference[among], pairs.low[among], pairs.p[among], settings.alpha)
    rank_low, rank_high = rank_limits(pairs.difference[among], pairs.p[among], settings.alpha)
    recommended = tuple(names[index] for index in alive[best.recommended])
    close = best.gap_high <= (-np.inf if settings.rope is None else settings.rope)
    mean, sd = (dict(zip(names, of, strict=True)) for of in (settings.metric.sign * means.mean, means.sd))
    best_first = sorted(recommended, key=mean.__getitem__, reverse=True)
    preferred, tie_breaker = prefer(best_first, sd, parameters)
    return Recommendation(
        recommended=recommended,
        preferred=preferred,
        tie_breaker=tie_breaker,
        equivalent_to_best=tuple(names[index] for index in alive[close]),
        p_worse=layout.columns(best.p_worse),
        gap_high=layout.columns(best.gap_high),
        rank_low=layout.columns(rank_low),
        rank_high=layout.columns(rank_high),
    )


def verdicts(low: FloatArray, high: FloatArray, rope: float | None, alive: IntArray) -> NDArray[np.str_]:
    """Return the verdict [columns, columns] of each pair of limits."""
    verdict = np.vectorize(pair_verdict, otypes=[object])(low, high, rope)
    withdrawn = np.ones(len(low), dtype=bool)
    withdrawn[alive] = False
    verdict[withdrawn] = FAILED
    verdict[:, withdrawn] = FAILED
    np.fill_diagonal(verdict, SAME)
    return np.asarray(verdict, dtype=np.str_)


def probabilities(
    columns: Sequence[FloatArray], alive: IntArray, alpha: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return P(i > j) of the `alive` columns and its limits, each [columns, columns]; a column is its runs' scores."""
    first, second = pairs_of(len(alive))
    probabilities = np.array(
        [
            probability_better(columns[i], columns[j], alpha=alpha)
            for i, j in zip(alive[first], alive[second], strict=True)
        ]
    ).reshape(-1, 3)
    layout = Layout.of(len(columns), alive)
    estimate, low, high = probabilities.T
    return (
        layout.pairs(estimate, 1 - estimate, diagonal=0.5),
        layout.pairs(low, 1 - high, diagonal=0.5),
        layout.pairs(high, 1 - low, diagonal=0.5),
    )


@dataclass(frozen=True, eq=False)
class Layout:
    """The places, among `count` columns, of those in the test, `alive`, and of the tested pairs (first, second)."""

    count: int
    alive: IntArray
    first: IntArray
    second: IntArray

    @classmethod
    def of(cls, count: int, alive: IntArray) -> Layout:
        """Return the layout in which every pair of `alive` is tested."""
        first, second = pairs_of(len(alive))
        return cls(count, alive, alive[first], alive[second])

    def pairs(self, values: FloatArray, mirrored: FloatArray, diagonal: float) -> FloatArray:
        """Return [columns, columns]: `values` [tests] at (first, second), `mirrored` at (second, first), else NaN."""
        matrix = np.full((self.count, self.count), np.nan)
        matrix[self.alive, self.alive] = diagonal
        matrix[self.first, self.second] = values
        matrix[self.second, self.first] = mirrored
        return matrix

    def symmetric(self, values: FloatArray, diagonal: float) -> FloatArray:
        """Return [columns, columns] with `values` [tests] in both directions of each pair."""
        return self.pairs(values, values, diagonal)

    def columns(self, values: FloatArray | IntArray) -> FloatArray:
        """Return [columns] with `values` [alive] in their places and NaN elsewhere."""
        vector = np.full(self.count, np.nan)
        vector[self.alive] = values
        return vector
