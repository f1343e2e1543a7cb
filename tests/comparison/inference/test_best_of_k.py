import itertools

import numpy as np
import pytest

from lrsearch.comparison.inference.best_of_k import budget_curve, expected_best, median_best_band
from lrsearch.errors import InputError
from tests.comparison import wrong
from tests.comparison.simulations import count, keeps


@pytest.mark.parametrize("k", [1, 2, 5, 9, 10])
def test_the_expected_best_is_the_mean_over_all_subsets(k):
    """C11: the U-statistic equals the brute force over all subsets of k trials; the V-statistic does not."""
    values = np.random.default_rng(1).normal(90, 1, 10)
    expected = np.mean([max(subset) for subset in itertools.combinations(values, k)])
    assert expected == pytest.approx(expected_best(values, k), rel=1e-10)
    if k > 1:
        assert expected != pytest.approx(wrong.v_statistic(values, k), rel=1e-10)


@pytest.mark.parametrize(("trials", "k"), [(12, 2), (20, 3), (54, 10)])
def test_the_band_of_the_median_best_covers(trials, k, simulations):
    """C12: up to k = N / 5.32 the band covers the median best of k in at least 0.93 of samples."""

    def covered(rng):
        low, high = median_best_band(-rng.exponential(size=trials), k)
        return low <= -np.log(2) / k <= high

    assert keeps(count(simulations, 2, covered), simulations, 0.93)


def test_a_bootstrap_of_the_best_does_not_cover(simulations):
    """C12: the wrong band, a percentile bootstrap, misses the target; for 20 trials and the best of 10 by far."""

    def covered(rng):
        low, high = wrong.bootstrap_band(-rng.exponential(size=20), 10, rng)
        return low <= -np.log(2) / 10 <= high

    assert not keeps(count(simulations, 3, covered), simulations, 0.93)


@pytest.mark.parametrize("trials", [12, 20, 53, 200])
def test_no_upper_limit_is_drawn_beyond_its_reach(trials):
    """C12: the upper limit exists exactly while k <= N / log2(40) = N / 5.32."""
    values = np.random.default_rng(4).normal(size=trials)
    for k in range(1, trials + 1):
        low, high = median_best_band(values, k)
        assert np.isnan(high) == (k > trials / np.log2(40))
        assert low <= expected_best(values, k)


def test_the_curve_holds_each_budget():
    """A curve has the estimate and the band of every k."""
    values = np.random.default_rng(5).normal(size=20)
    curve = budget_curve(values, [1, 3, 20])
    assert [expected_best(values, k) for k in (1, 3, 20)] == curve.expected_best.tolist()
    assert [False, False, True] == np.isnan(curve.median_high).tolist()


def test_budgets_that_cannot_be_are_refused():
    """More trials than there are, and fewer than one, are named in the error."""
    with pytest.raises(InputError, match="k must lie between 1 and the number of trials 3, but is 4"):
        expected_best([1, 2, 3], 4)
    with pytest.raises(InputError, match="k must be at least 1"):
        median_best_band([1, 2, 3], 0)
