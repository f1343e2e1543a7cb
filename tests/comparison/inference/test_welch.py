"""Unpaired groups: the published values of the procedure, its duality, and what it must not depend on."""

import numpy as np
import pytest
from scipy import stats

from lrsearch.comparison.inference.welch import RunGroups, runs_to_settle, welch_max_t
from lrsearch.errors import InputError

A, B, C = ([0.1, 0.5, 0.3], [1.1, 1.4, 0.9, 1.2], [1.0, 2.2, 0.4, 1.6, 3.1, 1.9])


def _groups(*runs, sigma=None) -> RunGroups:
    return RunGroups.of([np.array(scores) for scores in runs], sigma)


def _tests(groups, *, alpha=0.05, seed=0, **options):
    return welch_max_t(groups, np.random.default_rng(seed), alpha=alpha, **options)


def _near(compared, expected) -> None:
    np.testing.assert_allclose(compared, expected, rtol=0, atol=6e-7)


PAIRS = ([0, 0, 1], [1, 2, 2])


def test_three_groups_of_unequal_size() -> None:
    """Reference values to six digits: p, intervals, the quantile and the one-sided test against the best."""
    compared = _tests(_groups(A, B, C))
    _near(compared.quantile, 0.988439)
    _near(compared.p[PAIRS], [0.016740, 0.023400, 0.331313])
    _near((compared.difference - compared.half_width)[PAIRS], [-1.500903, -2.563037, -1.655366])
    _near((compared.difference + compared.half_width)[PAIRS], [-0.199097, -0.236963, 0.555366])
    _near(compared.p_worse, [0.005260, 0.153117, 0.925861])
    np.testing.assert_array_equal(compared.p, compared.p.T)


def test_two_groups_and_a_known_sigma() -> None:
    """Reference values: fewer pairs give narrower intervals, and a known sigma has no t in it."""
    two = _tests(_groups(A, B))
    _near(two.p[0, 1], 0.004040)
    _near(two.difference[0, 1] + np.array([-1, 1]) * two.half_width[0, 1], [-1.276107, -0.423893])
    with_sigma = _tests(_groups(A, B, C, sigma=0.5))
    _near(with_sigma.quantile, 2.344282)
    _near(with_sigma.p[PAIRS], [0.067259, 0.000220, 0.203096])


def test_one_planned_contrast_that_is_one_sided() -> None:
    """Reference values of "b is better than a" alone; the other direction is not planned."""
    planned = np.zeros((3, 3), dtype=bool)
    planned[1, 0] = True
    compared = _tests(_groups(A, B, C), planned=planned, one_sided=True)
    _near(compared.p[1, 0], 0.001960)
    _near(compared.difference[1, 0] - compared.half_width[1, 0], 0.520366)
    assert 1 == np.isfinite(compared.p).sum()


@pytest.mark.parametrize("sigma", [None, 1.0])
@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.2])
def test_p_is_at_most_alpha_exactly_where_the_interval_excludes_zero(alpha, sigma) -> None:
    """The duality of test and interval, also where Welch's own interval is the wider one."""
    rng = np.random.default_rng(3)
    groups = _groups(*(rng.normal(mean, 1, size) for mean, size in ((0, 3), (2, 4), (1, 9), (4, 30))), sigma=sigma)
    compared = _tests(groups, alpha=alpha, draws=999)
    excluded = np.abs(compared.difference) > compared.half_width
    np.testing.assert_array_equal(excluded, compared.p <= alpha)
    assert excluded.any()
    if sigma is None:
        assert (compared.p >= compared.p_welch)[~np.eye(4, dtype=bool)].all()


def test_the_pair_alone_is_scipys_welch_test() -> None:
    """The floor of every p-value."""
    expected = stats.ttest_ind(A, C, equal_var=False)
    compared = _groups(A, C)
    assert _tests(compared, draws=99).p_welch[0, 1] == pytest.approx(expected.pvalue, rel=1e-12)
    assert compared.freedom[0, 1] == pytest.approx(expected.df, rel=1e-12)


def test_shifting_and_scaling_change_nothing() -> None:
    """Units and a common offset do not enter a p-value."""
    plain = _tests(_groups(A, B, C), draws=999)
    moved = _tests(_groups(*([50 + 100 * x for x in runs] for runs in (A, B, C))), draws=999)
    np.testing.assert_allclose(moved.p, plain.p, rtol=1e-9)
    np.testing.assert_allclose(moved.p_worse, plain.p_worse, rtol=1e-9)
    np.testing.assert_allclose(moved.half_width, 100 * plain.half_width, rtol=1e-9)


def test_fewer_planned_pairs_give_narrower_intervals() -> None:
    """Against one group alone, the others' differences are not asked for."""
    planned = np.zeros((3, 3), dtype=bool)
    planned[0, 1:] = planned[1:, 0] = True
    against, every = _tests(_groups(A, B, C), planned=planned), _tests(_groups(A, B, C))
    assert np.isnan(against.p[1, 2])
    assert (against.half_width[0, 1:] <= every.half_width[0, 1:]).all()


def test_an_alpha_beyond_the_draws_is_refused() -> None:
    """The smallest p-value is that of the draws."""
    with pytest.raises(InputError, match=r"alpha must be from 0.01 to below 1, got 0.001"):
        _tests(_groups(A, B), alpha=0.001, draws=99)


def test_a_known_sigma_that_the_runs_contradict_is_seen() -> None:
    """By the chi-square of the pooled variance, in both directions."""
    assert not _groups(A, B, C, sigma=0.7).sigma_contradicted
    assert _groups(A, B, C, sigma=0.2).sigma_contradicted
    assert _groups(A, B, C, sigma=5.0).sigma_contradicted
    assert not _groups([1.0], [2.0], sigma=0.2).sigma_contradicted


@pytest.mark.parametrize("sigma", [None, 0.5])
def test_the_runs_that_would_settle_a_pair_give_that_half_width(sigma) -> None:
    """As many runs as there are keep the half-width; four times as many about halve it; 0 is beyond reach."""
    rng = np.random.default_rng(0)
    groups = _groups(*rng.normal(0, 0.5, (2, 12)), sigma=sigma)
    compared = _tests(groups)
    half_width = compared.half_width[0, 1]
    assert 12 == runs_to_settle(groups, compared, half_width * (1 + 1e-9))[0, 1]
    assert 40 <= runs_to_settle(groups, compared, half_width / 2)[0, 1] <= 48
    assert np.inf == runs_to_settle(groups, compared, 1e-6)[0, 1]
