"""Proportions with their exact limits."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from lrsearch.comparison.inference.proportions import audit_pruning, good_region, proportion
from lrsearch.errors import InputError


@pytest.mark.parametrize("count_", [0, 3, 12])
def test_proportions_have_the_limits_of_clopper_and_pearson(count_):
    """The exact limits are quantiles of the beta distribution, and 0 and 1 at the ends."""
    share = proportion(count_, 12)
    expected = np.nan_to_num(stats.beta.ppf([0.025, 0.975], [count_, count_ + 1], [13 - count_, 12 - count_]), nan=-1)
    assert (expected[0] if count_ else 0.0) == pytest.approx(share.low)
    assert (expected[1] if count_ < 12 else 1.0) == pytest.approx(share.high)


def test_no_trials_leave_a_proportion_open():
    """Of nothing, the proportion may be anything; more than all is refused."""
    nothing = proportion(0, 0)
    assert (nothing.low, nothing.high) == pytest.approx((0, 1))
    with pytest.raises(InputError, match="count must lie between 0 and total = 3, but is 4"):
        proportion(4, 3)


def test_the_pruning_audit_counts_who_would_have_won():
    """Finished trials are counted against their own family's median and best."""
    audit = audit_pruning([90.0, 91.0, 92.5], medians=[90.5, 90.5, 91.0], bests=[92.0, 92.0, 92.0])
    expected = (2, 1, 3)
    assert expected == (audit.beat_median.count, audit.beat_best.count, audit.beat_best.total)


def test_the_good_region_is_the_share_within_the_rope_of_the_best():
    """The share counts the trials no further than the ROPE below the best one."""
    expected = (3, 4)
    region = good_region([90.0, 89.9, 89.7, 80.0], rope=0.3)
    assert expected == (region.count, region.total)
    with pytest.raises(InputError, match="at least one random"):
        good_region([], rope=0.3)


def test_a_proportion_is_told_with_its_limits():
    """In per cent, as reports quote it."""
    assert "3 of 12, 5 to 57 %" == str(proportion(3, 12))
