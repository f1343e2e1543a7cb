"""Which columns may be the best one, their ranks, and what is preferred among them."""

from __future__ import annotations

import numpy as np
import pytest

from lrsearch import compare_runs, compare_scores
from lrsearch.comparison.best import compare_with_best, prefer, rank_limits
from lrsearch.comparison.inference.flips import flip_pairs
from lrsearch.comparison.inference.maxt import max_t
from tests.comparison.simulations import count, draw_scores, keeps


def test_the_recommended_set_holds_the_best(simulations):
    """C15: under the null the set holds any given family as often as promised; the largest mean alone does not."""

    def kept(rng):
        return compare_with_best(flip_pairs(draw_scores(rng, 10, 8), rng), 8, 0.05).recommended[0]

    assert keeps(count(simulations, 4, kept), simulations, 0.935)
    largest = count(simulations, 4, lambda rng: draw_scores(rng, 10, 8).mean(axis=0).argmax() == 0)
    assert not keeps(largest, simulations, 0.935)


def test_the_distance_to_the_best_is_bounded_for_all_families_at_once(simulations):
    """The upper limits of the distances to the best hold together in at least 0.935 of the tables."""
    shift = np.array([0.0, 0.1, 0.2, 0.3])

    def bounded(rng):
        best = compare_with_best(flip_pairs(draw_scores(rng, 10, 4, shift=shift), rng), 4, 0.05)
        return (0.3 - shift <= best.gap_high + 1e-12).all()

    assert keeps(count(simulations, 5, bounded), simulations, 0.935)


def test_two_families_are_compared_with_the_best_by_one_sided_tests():
    """With two families, being worse than the best is the one-sided test of their difference."""
    rng = np.random.default_rng(9)
    scores = rng.normal([0.0, 0.6], 1.0, (12, 2))
    flips = flip_pairs(scores, rng)
    both = max_t(flips, 0.05).p_single[0]
    best = compare_with_best(flips, 2, 0.05)
    assert both / 2 == pytest.approx(best.p_worse[0], rel=0.02)
    assert best.p_worse[0] + best.p_worse[1] == pytest.approx(1.0, abs=0.01)


def test_tie_breakers_choose_inside_the_recommended_set():
    """Fewer parameters come first, then the smaller SD over seeds; what decided is named."""
    sd = {"a": 0.3, "b": 0.2, "c": 0.1}
    assert prefer("abc", sd, {}) == ("c", "a smaller SD over blocks")
    assert prefer("abc", sd, {"a": 1, "b": 2, "c": 2}) == ("a", "fewer parameters")
    assert prefer("abc", sd, {"a": 1, "b": 1, "c": 2}) == ("b", "fewer parameters, then a smaller SD over blocks")
    assert prefer("", sd, {})[0] is None
    assert prefer("ba", {"a": float("nan"), "b": 0.2}, {}) == ("b", "a smaller SD over blocks")
    assert prefer("ba", dict.fromkeys("ab", float("nan")), {}) == ("b", "a better mean")


def test_ranks_are_what_the_tests_leave():
    """The first is shown better than the last; the one between is told from neither, and an untested pair is none."""
    difference = np.array([[0.0, 1.0, 2.0], [-1.0, 0.0, 1.0], [-2.0, -1.0, 0.0]])
    p = np.array([[1.0, 0.2, 0.01], [0.2, 1.0, np.nan], [0.01, np.nan, 1.0]])
    low, high = rank_limits(difference, p, 0.05)
    assert ([1, 1, 2], [2, 3, 3]) == (low.tolist(), high.tolist())


def test_two_families_have_one_verdict() -> None:
    """One is recommended alone exactly where the interval of their one pair is beside 0, with the same p-value."""
    for seed in range(40):
        rng = np.random.default_rng(seed)
        scores = rng.normal(90, 0.3, (10, 2)) + np.array([0.2, 0.0])
        runs = {"a": scores[:, 0], "b": scores[:, 1]}
        for compared in (
            compare_scores(scores, ["a", "b"], rope=0.3, rng=rng),
            compare_runs(runs, rope=0.3, rng=rng),
        ):
            assert (len(compared.recommended) == 1) == (compared.low[0, 1] > 0 or compared.high[0, 1] < 0)
            assert min(compared.recommendation.p_worse) == compared.p[0, 1]
            assert ("shown worse (p" in compared.lines[1]) == (len(compared.recommended) == 1)
