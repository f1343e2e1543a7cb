import itertools

import numpy as np
import pytest

from lrsearch.comparison.arrays import pairs_of
from lrsearch.comparison.inference.flips import flip_pairs, rounding_variance
from lrsearch.comparison.inference.maxt import max_t
from tests.comparison import wrong
from tests.comparison.simulations import UNEQUAL_SDS, count, draw_scores, keeps

EQUAL_SDS = (0.25,) * 8
THREE_BETTER = np.array([0.0] * 5 + [1.0] * 3)
ONE_BETTER = np.array([0.3] + [0.0] * 7)


def run_max_t(scores, rng):
    return max_t(flip_pairs(scores, rng), 0.05)


def any_false(p, shift):
    first, second = pairs_of(len(shift))
    return (p[shift[first] == shift[second]] <= 0.05).any()


def all_covered(low, high, truth=0.0):
    return ((low <= truth) & (truth <= high)).all()


@pytest.mark.parametrize(
    ("check", "sds", "shift", "low", "wrong_test"),
    [
        ("C1", EQUAL_SDS, np.zeros(8), 0.025, lambda scores, rng: wrong.uncorrected_t(scores)),
        ("C1", EQUAL_SDS, np.zeros(8), 0.025, lambda scores, rng: np.ones(28)),
        (
            "C2",
            UNEQUAL_SDS,
            np.zeros(8),
            0.0,
            lambda scores, rng: np.where(wrong.permutation_rejects(scores, rng), 0, 1),
        ),
        ("C2", UNEQUAL_SDS, np.zeros(8), 0.0, lambda scores, rng: wrong.blocked_tukey_p(scores)),
        (
            "C3",
            EQUAL_SDS,
            THREE_BETTER,
            0.0,
            lambda scores, rng: max_t(wrong.uncentred_flips(scores, rng), 0.05).p_step_down,
        ),
    ],
    ids=["C1-uncorrected", "C1-never", "C2-permutation", "C2-tukey", "C3-uncentred"],
)
def test_family_wise_error_is_held_and_the_wrong_test_does_not(check, sds, shift, low, wrong_test, simulations):
    """C1-C3: the share of tables with any false rejection keeps to its target, and that of the wrong test does not."""

    def table(rng):
        return draw_scores(rng, 10, 8, sd=sds, shift=shift)

    right = count(simulations, 1, lambda rng: any_false(run_max_t(table(rng), rng).p_step_down, shift))
    failing = count(simulations, 1, lambda rng: any_false(wrong_test(table(rng), rng), shift))
    assert keeps(right, simulations, low, 0.065)
    assert not keeps(failing, simulations, low, 0.065)


@pytest.mark.parametrize(
    ("sds", "wrong_limits"),
    [(EQUAL_SDS, wrong.pointwise_limits), (UNEQUAL_SDS, wrong.blocked_tukey_limits)],
    ids=["pointwise", "tukey"],
)
def test_simultaneous_intervals_cover_and_the_wrong_ones_do_not(sds, wrong_limits, simulations):
    """C4: all 28 intervals at once hold their true differences in at least 0.935 of the tables."""

    def covered(rng):
        result = run_max_t(draw_scores(rng, 10, 8, sd=sds), rng)
        return all_covered(result.low, result.high)

    assert keeps(count(simulations, 2, covered), simulations, 0.935)
    failing = count(simulations, 2, lambda rng: all_covered(*wrong_limits(draw_scores(rng, 10, 8, sd=sds))))
    assert not keeps(failing, simulations, 0.935)


@pytest.mark.parametrize(
    ("blocks", "wanted", "wrong_test"),
    [(10, 0.40, wrong.wilcoxon_holm), (10, 0.40, wrong.holm_t), (20, 0.85, None)],
    ids=["10-wilcoxon", "10-holm-t", "20"],
)
def test_a_difference_of_three_tenths_is_seen(blocks, wanted, wrong_test, simulations):
    """C6: the power for one given pair among 28 is as planned; Holm on t or on signed ranks is far below."""

    def table(rng):
        return draw_scores(rng, blocks, 8, shift=ONE_BETTER)

    seen = count(simulations, 3, lambda rng: run_max_t(table(rng), rng).p_step_down[0] <= 0.05)
    assert keeps(seen, simulations, wanted)
    if wrong_test is not None:
        assert not keeps(count(simulations, 3, lambda rng: wrong_test(table(rng))[0] <= 0.05), simulations, wanted)


@pytest.mark.parametrize("blocks", [6, 9, 20])
def test_step_down_and_intervals_belong_to_the_single_step(blocks):
    """C16: step-down p <= single-step p, and single-step p <= alpha exactly where the interval excludes 0."""
    rng = np.random.default_rng(6)
    for _ in range(40):
        shift = rng.choice([0.0, 0.3, 0.5], 5)
        result = run_max_t(draw_scores(rng, blocks, 5, shift=shift), rng)
        assert (result.p_step_down <= result.p_single).all()
        np.testing.assert_array_equal(result.p_single <= 0.05, (result.low > 0) | (result.high < 0))


def test_p_values_are_those_of_the_definition():
    """Single-step and step-down p-values equal a plain loop over all sign patterns, pair by pair."""
    blocks, families = 7, 4
    scores = draw_scores(np.random.default_rng(7), blocks, families, shift=[0, 0.2, 0.4, 0.5])
    d = wrong.differences(scores)

    def statistics(values):
        variance = [max(column.var(ddof=1), rounding_variance(scores)) for column in values.T]
        return [
            abs(column.mean()) / np.sqrt((column_variance + np.median(variance)) / 2 / blocks)
            for column, column_variance in zip(values.T, variance, strict=True)
        ]

    observed = statistics(d)
    residuals = d - d.mean(axis=0)
    patterns = [(1, *rest) for rest in itertools.product((1, -1), repeat=blocks - 1)]
    null = [statistics(residuals * np.array(signs)[:, None]) for signs in patterns]
    order = sorted(range(len(observed)), key=lambda pair: -observed[pair])
    single, step_down, previous = {}, {}, 0.0
    for place, pair in enumerate(order):
        single[pair] = (1 + sum(max(one) >= observed[pair] for one in null)) / (1 + len(null))
        left = order[place:]
        p_value = (1 + sum(max(one[k] for k in left) >= observed[pair] for one in null)) / (1 + len(null))
        previous = step_down[pair] = max(previous, p_value)
    result = run_max_t(scores, np.random.default_rng(0))
    np.testing.assert_allclose([single[pair] for pair in range(6)], result.p_single)
    np.testing.assert_allclose([step_down[pair] for pair in range(6)], result.p_step_down)


def test_one_pair_agrees_with_the_paired_t_test():
    """With a single pair and normal noise, the flips give nearly the p-value of the paired t-test."""
    rng = np.random.default_rng(8)
    for _ in range(20):
        scores = rng.normal([0.0, 0.5], 1.0, (20, 2))
        assert wrong.uncorrected_t(scores)[0] == pytest.approx(run_max_t(scores, rng).p_single[0], abs=0.03)


def test_a_pair_without_variance_gets_that_of_rounding():
    """A pair that always differs by the same amount has a standard error, and an interval of some width."""
    scores = draw_scores(np.random.default_rng(10), 8, 3)
    scores[:, 1] = scores[:, 0] + 1
    result = run_max_t(scores, np.random.default_rng(0))
    assert rounding_variance(scores) == pytest.approx(0.01**2 / 6)
    assert result.low[0] < -1 < result.high[0]


def test_scores_that_never_vary_are_handled():
    """Without any variance equal families have p = 1, and a constant difference the smallest p of its blocks."""
    equal = run_max_t(np.full((6, 2), 90.0), np.random.default_rng(0))
    expected = (1.0, 0.0, 0.0)
    assert expected == (equal.p_single[0], equal.low[0], equal.high[0])
    apart = run_max_t(np.tile([90.0, 91.0], (6, 1)), np.random.default_rng(0))
    smallest = 1 / 33
    assert smallest == apart.p_single[0]
