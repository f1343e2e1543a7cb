"""The null distribution of sign flips, and what drawing the test examples adds."""

from __future__ import annotations

import numpy as np
import pytest

from lrsearch.comparison.inference.flips import (
    flip_pairs,
    moderated,
    null_quantile,
    p_value,
    rounding_variance,
    sampling_variance,
    sign_patterns,
)
from lrsearch.comparison.inference.maxt import max_t
from lrsearch.errors import InputError
from tests.comparison.examples import compare, table
from tests.comparison.simulations import draw_scores, keeps


def correct_examples(rng, blocks=50, examples=400):
    """Return correct [blocks, 2, examples] of two families that differ by example and seed."""
    liking = rng.normal(0.0, 0.6, (2, examples))
    difficulty = rng.normal(1.0, 1.0, examples)
    seed = rng.normal(0.0, 0.1, (blocks, 2, 1))
    return difficulty + liking + seed + rng.normal(size=(blocks, 2, examples)) > 0


@pytest.mark.integration
def test_the_interval_with_sampling_variance_covers_the_difference_over_all_examples():
    """C14: at 50 blocks it covers the population's difference, which the interval from seeds alone does not."""
    simulations, rng, covered = 400, np.random.default_rng(5), np.zeros(2, dtype=int)
    for _ in range(simulations):
        correct = correct_examples(rng)
        scores = 100 * correct.mean(axis=2)
        for kind, added in enumerate([sampling_variance(100.0 * correct), None]):
            result = max_t(flip_pairs(scores, rng, added), 0.05)
            covered[kind] += result.low[0] <= 0 <= result.high[0]
    assert covered[0] / simulations >= 0.92
    assert not keeps(covered[1], simulations, 0.92)


def test_the_sampling_variance_is_that_of_the_two_way_table():
    """What the examples add equals the mean squares of the full table of differences, written out."""
    correct = correct_examples(np.random.default_rng(6), blocks=7, examples=60)
    d = 100.0 * (correct[:, 0].astype(float) - correct[:, 1])
    residual = d - d.mean(axis=0) - d.mean(axis=1, keepdims=True) + d.mean()
    of_both = (residual**2).sum() / (6 * 59) / (7 * 60)
    expected = max(d.mean(axis=0).var(ddof=1) / 60 - of_both, 0.0)
    assert expected == pytest.approx(sampling_variance(100.0 * correct)[0])


@pytest.mark.parametrize(
    ("blocks", "alpha", "message"),
    [
        (
            6,
            0.025,
            r"alpha 0.025 is unattainable with 6 blocks \(smallest p-value 0.0303\): use 7 blocks or more",
        ),
        (
            20,
            0.0001,
            r"alpha 0.0001 is unattainable with 20 blocks \(smallest p-value 0.000244\): use a larger",
        ),
    ],
)
def test_an_alpha_out_of_reach_is_refused_with_the_reason(blocks, alpha, message):
    """C7: where no p-value can be as small as alpha there is no silent "no difference"."""
    with pytest.raises(InputError, match=message):
        compare(table(blocks), alpha=alpha)


def test_the_smallest_p_value_within_reach_is_found():
    """C7: at the alpha just within reach a large difference is found, so the refusal refuses no more than it must."""
    compared = compare(draw_scores(np.random.default_rng(3), 6, 4, shift=[0, 0, 0, 9]), alpha=1 / 33)
    assert 1 / 33 == pytest.approx(compared.pairs.omnibus_max_t)
    assert compared.recommended == ("rex",)


def test_up_to_13_blocks_all_patterns_of_signs_are_taken_once():
    """Up to a common sign, without any random number; beyond that 4,096 are drawn."""
    rng = np.random.default_rng(0)
    patterns = {tuple(row) for row in sign_patterns(5, rng)}
    assert 16 == len(patterns)
    assert {1.0} == {row[-1] for row in patterns}
    assert not {tuple(-np.array(row)) for row in patterns} & patterns
    assert (4096, 13) == sign_patterns(13, rng).shape
    assert (4096, 14) == sign_patterns(14, rng).shape


def test_a_p_value_counts_ties_and_the_observed_table():
    """Of four patterns one is larger and one is equal up to rounding: 3 of 5; none gives 1 of 5."""
    null = np.array([[0.0], [1.0], [2.0 + 1e-12], [3.0]])
    assert [0.6] == p_value(np.array([2.0]), null).tolist()
    assert [0.2] == p_value(np.array([9.0]), null).tolist()


def test_the_quantile_is_what_is_just_not_rejected():
    """At 0.25 of 19 patterns four may be as large: just below the fifth largest p is 6 / 20, just above it 5 / 20."""
    null = np.arange(19.0)[:, None]
    quantile = null_quantile(null, 0.25)
    assert [14.0] == pytest.approx(quantile.tolist())
    assert [0.3] == p_value(quantile - 1e-6, null).tolist()
    assert [0.25] == p_value(quantile + 1e-6, null).tolist()


def test_variances_move_half_way_to_their_median():
    """Of 1, 3 and 9 the median is 3."""
    assert [2.0, 3.0, 6.0] == moderated(np.array([1.0, 3.0, 9.0])).tolist()


def test_the_smallest_step_between_scores_is_that_of_rounding():
    """Two scores 0.5 apart give 0.25 / 6; equal ones nothing."""
    assert 0.25 / 6 == pytest.approx(rounding_variance(np.array([[1.0, 1.5], [9.0, 1.0]])))
    assert 0.0 == rounding_variance(np.ones((3, 2)))


def test_one_column_has_no_pairs():
    """Nothing is compared, and nothing fails."""
    flips = flip_pairs(np.ones((6, 1)), np.random.default_rng(0))
    assert (6, 0, (0, 0)) == (flips.blocks, len(flips.mean), flips.null.shape)
