"""The familiar tests beside the primary one, each against its definition or SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from lrsearch.comparison.arrays import pairs_of
from lrsearch.comparison.inference.crosscheck import holm, iman_davenport, paired_t, planned_contrast
from tests.comparison import wrong
from tests.comparison.simulations import keeps


def test_a_planned_contrast_covers_and_a_bootstrap_does_not(simulations):
    """C5: the t-interval of one contrast covers in 0.938 to 0.965 of samples of 10; BCa does not reach that."""
    size = 10 * simulations
    samples = np.random.default_rng(1).normal(0.0, 0.3, (size, 10))
    limits = np.array([planned_contrast(sample)[1:3] for sample in samples[: 5 * simulations]])
    covered = int(((limits[:, 0] <= 0) & (limits[:, 1] >= 0)).sum())
    assert keeps(covered, 5 * simulations, 0.938, 0.965)
    failing = 0
    for part in np.array_split(samples, size // 1000):
        interval = stats.bootstrap(
            (part,), np.mean, axis=1, n_resamples=300, method="BCa", rng=np.random.default_rng(2)
        ).confidence_interval
        failing += int(((interval.low <= 0) & (interval.high >= 0)).sum())
    assert not keeps(failing, size, 0.938, 0.965)


def test_holm_is_the_closure_of_bonferroni():
    """Each adjusted p is the largest Bonferroni p over all sets of tests that hold it."""
    p = np.array([0.011, 0.04, 0.03, 0.5, 0.011])
    sets = [np.flatnonzero([(code >> i) & 1 for i in range(5)]) for code in range(1, 32)]
    expected = [max(min(1.0, len(s) * p[s].min()) for s in sets if test in s) for test in range(5)]
    assert expected == pytest.approx(holm(p).tolist())


def test_the_paired_t_is_that_of_scipy():
    """Where the differences vary the p-values are those of ttest_rel; without any they are 1, or 0 if apart."""
    scores = np.random.default_rng(7).normal(0, 1, (9, 4))
    first, second = pairs_of(4)
    expected = stats.ttest_rel(scores[:, first], scores[:, second]).pvalue
    np.testing.assert_allclose(expected, paired_t(wrong.differences(scores), 0.0))
    np.testing.assert_array_equal([1.0, 0.0], paired_t(np.tile([0.0, 1.0], (9, 1)), 0.0))


@pytest.mark.parametrize(("alternative", "p"), [("two-sided", 0.0), ("greater", 0.0), ("less", 1.0)])
def test_a_contrast_without_variance_is_certain(alternative, p):
    """Differences that are all alike give that value, without width, and p = 0 or 1."""
    assert planned_contrast(np.full(6, 0.5), alternative=alternative) == pytest.approx((0.5, 0.5, 0.5, p))


def test_iman_davenport_is_the_anova_of_the_ranks():
    """The p-value is that of the F-test for columns in the blocks x columns analysis of variance of the ranks."""
    scores = np.random.default_rng(8).normal([0.0, 0.0, 0.5, 1.0], 1.0, (9, 4))
    ranks = stats.rankdata(scores, axis=1)
    of_columns = 9 * ((ranks.mean(axis=0) - 2.5) ** 2).sum() / 3
    residual = ((ranks - ranks.mean(axis=0)) ** 2).sum() / (8 * 3)
    assert stats.f.sf(of_columns / residual, 3, 24) == pytest.approx(iman_davenport(scores))


def test_iman_davenport_at_its_ends():
    """All tied gives 1, always the same order 0, and two columns no answer."""
    ends = [iman_davenport(np.ones((6, 3))), iman_davenport(np.tile([1.0, 2.0, 3.0], (6, 1)))]
    assert ends == pytest.approx([1.0, 0.0])
    assert np.isnan(iman_davenport(np.ones((6, 2))))
