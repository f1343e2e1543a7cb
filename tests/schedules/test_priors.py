"""The priors that several families share."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from lrsearch.schedules.priors import BASE_LR, FINAL_LR, Choice, Prior, Range


def test_a_range_is_even_and_real_unless_it_says_otherwise():
    """Equal ranges are equal, and none can be changed."""
    assert Range(0.1, 0.5) == Range(0.1, 0.5, log=False, integer=False)
    assert Range(1, 5) != Range(1, 5, integer=True)
    with pytest.raises(FrozenInstanceError):
        Choice((1, 2)).choices = (3,)


def test_a_prior_counts_plain_numbers_without_bounds():
    """The unit is plain, and a study file may go as far as it wants."""
    prior = Prior(0.5, 4.0)
    assert ("plain", float("-inf"), float("inf")) == (prior.unit, prior.least, prior.most)


def test_final_lr_lies_a_thousandth_to_a_hundredth_below_base_lr():
    """Rates are drawn in the logarithm, final_lr never above the smallest base_lr."""
    assert BASE_LR.log
    assert FINAL_LR.log
    assert FINAL_LR.high <= BASE_LR.low
    assert (1e-3, 1e-2) == pytest.approx((FINAL_LR.low / BASE_LR.low, FINAL_LR.high / BASE_LR.high))
