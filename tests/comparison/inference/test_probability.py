"""The probability that one run beats another, with its interval."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from lrsearch.comparison.inference.probability import probability_better
from tests.comparison import wrong
from tests.comparison.simulations import count, keeps


@pytest.mark.parametrize("probability", [0.5, 0.71, 0.87])
def test_the_probability_of_being_better_is_covered(probability, simulations):
    """C13: the interval of P(A > B) covers at 10 correlated blocks; far from 1/2 a bootstrap does not."""
    lead = stats.norm.ppf(probability) * np.sqrt(2)

    def blocks(rng):
        shared, separate = rng.normal(size=(10, 1)), rng.normal(size=(10, 2))
        return (np.sqrt(0.3) * shared + np.sqrt(0.7) * separate + [lead, 0.0]).T

    def holds(rng):
        estimated = probability_better(*blocks(rng))
        return estimated.low <= probability <= estimated.high

    def bootstrapped(rng):
        low, high = wrong.percentile_probability(*blocks(rng), rng)
        return low <= probability <= high

    assert keeps(count(simulations, 3, holds), simulations, 0.94)
    if probability == 0.87:
        assert not keeps(count(simulations, 3, bootstrapped), simulations, 0.94)


def test_complete_separation_gives_the_exact_bound():
    """Where every run of A beats every run of B, P(A > B) is 1 down to (alpha/2)^(1/R), and mirrored for B."""
    a, b = np.arange(10.0) + 100, np.arange(10.0)
    bound = 0.025**0.1
    assert probability_better(a, b) == pytest.approx((1.0, bound, 1.0))
    assert probability_better(b, a) == pytest.approx((0.0, 0.0, 1 - bound))
    tied = probability_better(np.ones(10), np.ones(10))
    assert tied == pytest.approx((0.5, 1 - bound, bound))


def test_the_probability_has_the_variance_of_brunner_and_munzel():
    """The logit interval's standard error is that behind SciPy's Brunner-Munzel statistic."""
    rng = np.random.default_rng(4)
    a, b = np.round(rng.normal(0.3, 1, 12), 1), np.round(rng.normal(0, 1, 12), 1)
    estimated = probability_better(a, b)
    logit = np.log(np.array(estimated) / (1 - np.array(estimated)))
    oracle = stats.brunnermunzel(a, b, distribution="t")
    error = abs((estimated.estimate - 0.5) / oracle.statistic)
    freedom_quantile = (logit[2] - logit[0]) * estimated.estimate * (1 - estimated.estimate) / error
    assert 2 * stats.t.sf(abs(oracle.statistic), 22) == pytest.approx(oracle.pvalue, abs=0.005)
    assert stats.t.isf(0.025, 22) == pytest.approx(freedom_quantile, abs=0.02)
