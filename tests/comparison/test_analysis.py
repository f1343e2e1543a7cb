"""The results of all pairs, laid out over the columns."""

from __future__ import annotations

import numpy as np
import pytest

from tests.comparison.examples import assert_same, compare, table
from tests.comparison.simulations import draw_scores


def test_each_array_turns_round_with_its_pair():
    """Row i, column j speaks of mean_i - mean_j: differences are antisymmetric, p-values symmetric."""
    compared = compare(table())
    assert compared.means.mean[3] - compared.means.mean[0] == pytest.approx(compared.pairs.difference[3, 0])
    assert_same(compared.low, -compared.high.T)
    assert_same(compared.p, compared.p.T)
    assert_same(compared.pairs.p_better, 1 - compared.pairs.p_better.T)
    assert compared.pairs.verdict[3, 0].startswith("better")
    assert compared.pairs.verdict[0, 3].startswith("worse")
    assert compared.p.min() == compared.pairs.omnibus_max_t


def test_undecided_pairs_alone_need_more_blocks():
    """The blocks that would settle a pair are 0 where it is settled and 6 or more where it is not."""
    compared = compare(table())
    undecided = compared.pairs.verdict == "undecided"
    assert undecided.any()
    assert (compared.pairs.blocks_to_settle[undecided] >= 6).all()
    assert (compared.pairs.blocks_to_settle[~undecided] == 0).all()
    half_width = (compared.high - compared.low)[undecided] / 2
    # The quantile falls with more blocks, so that the square-root law alone still asks for a little less than half.
    by_square_root = half_width * np.sqrt(10 / compared.pairs.blocks_to_settle[undecided])
    assert ((by_square_root > 0.15) & (by_square_root < 0.25)).all()


def test_ranks_count_who_is_significantly_better_and_worse():
    """A rank interval runs from 1 + the number better to K - the number worse."""
    compared = compare(draw_scores(np.random.default_rng(5), 12, 4, sd=0.1, shift=[0.0, 1.0, 1.0, 2.0]))
    assert compared.recommendation.rank_low.tolist() == [4, 2, 2, 1]
    assert compared.recommendation.rank_high.tolist() == [4, 3, 3, 1]
