"""The Gaussian process: gradients, formulas by hand, growth, and what it learns."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from lrsearch.search.gp.model import Hyperparameters, Posterior, fit, negative_log_posterior, prior

FEATURES, FAMILIES = 3, 4


def points(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return features, families and observations of a common surface with a shift by family."""
    rng = np.random.default_rng(seed)
    x, family = rng.random((n, FEATURES)), rng.integers(FAMILIES, size=n)
    return x, family, np.sin(4 * x[:, 0]) + 0.3 * family + 0.1 * rng.standard_normal(n)


def covariance(hyper: Hyperparameters, x: np.ndarray, family: np.ndarray) -> np.ndarray:
    """Return the covariance of the observations, written out point by point."""
    n = len(x)
    table = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            r = np.sqrt(np.sum(((x[i] - x[j]) / hyper.lengths) ** 2))
            k = (1 + np.sqrt(5) * r + 5 * r**2 / 3) * np.exp(-np.sqrt(5) * r)
            same = family[i] == family[j]
            a, b = hyper.loadings[family[i]], hyper.loadings[family[j]]
            table[i, j] = hyper.signal * (a * b * k + same * (1 - a * a) * k) + hyper.offset * same
    return table


@pytest.mark.parametrize("seed", range(3))
def test_the_gradient_is_that_of_finite_differences(seed: int) -> None:
    """At three random places of the prior, for every hyperparameter."""
    data = points(25, seed)
    means, sds = prior(FEATURES, FAMILIES)
    vector = means + sds * np.random.default_rng(seed).standard_normal(len(means))
    numeric = approx_fprime(vector, lambda v: negative_log_posterior(v, *data, FAMILIES)[0], 1e-6)
    np.testing.assert_allclose(negative_log_posterior(vector, *data, FAMILIES)[1], numeric, rtol=2e-4, atol=2e-4)


def test_the_posterior_is_that_of_the_textbook() -> None:
    """Mean and SD against a direct solution with the covariance written out."""
    x, family, y = points(12)
    new, of = np.random.default_rng(9).random((5, FEATURES)), np.array([0, 1, 2, 3, 0])
    hyper = Hyperparameters(np.array([0.5, 1.0, 2.0]), 1.3, 0.2, 0.05, np.array([0.9, 0.5, 0.1, 0.8]))
    posterior = Posterior(hyper, x, family)
    posterior.observe(y)
    table = covariance(hyper, np.vstack([x, new]), np.append(family, of))
    observed = table[:12, :12] + (0.05 + 1e-6) * np.eye(12)
    gain = np.linalg.solve(observed, table[:12, 12:]).T
    mean, sd = posterior.mean_and_sd(new, of)
    np.testing.assert_allclose(mean, gain @ y, rtol=1e-9)
    np.testing.assert_allclose(sd**2, np.diag(table[12:, 12:] - gain @ table[:12, 12:]), rtol=1e-9)
    np.testing.assert_allclose(posterior.mean(new, of), mean, rtol=1e-12)


def test_points_added_one_at_a_time_are_those_given_at_once() -> None:
    """The same posterior to rounding, from none, from some, from all points at once."""
    x, family, y = points(15)
    hyper = Hyperparameters.prior_mean(FEATURES, FAMILIES)
    results = []
    for first in (0, 6, 15):
        posterior = Posterior(hyper, x[:first], family[:first])
        for i in range(first, 15):
            posterior.add(x[i], family[i])
        posterior.observe(y)
        results.append(posterior.mean_and_sd(x + 0.1, family))
    for mean, sd in results[:2]:
        np.testing.assert_allclose(mean, results[2][0], rtol=1e-8)
        np.testing.assert_allclose(sd, results[2][1], rtol=1e-8)


def test_belief_keeps_the_means_and_leaves_the_posterior_alone() -> None:
    """Points under way change no mean, and shrink the SD around them."""
    x, family, y = points(20)
    posterior = Posterior(Hyperparameters.prior_mean(FEATURES, FAMILIES), x[:15], family[:15])
    posterior.observe(y[:15])
    mean, sd = posterior.mean_and_sd(x, family)
    believed_mean, believed_sd = posterior.believing(x[15:], family[15:]).mean_and_sd(x, family)
    np.testing.assert_allclose(believed_mean, mean)
    assert np.all(believed_sd[15:] < 0.7 * sd[15:])
    assert len(posterior) == 15


def test_one_family_is_predicted_from_the_others() -> None:
    """With a common surface a family with a single trial is predicted; a family of its own kind is not forced to be."""
    x, family, y = points(120)
    few = (family != 3) | (np.arange(120) == np.flatnonzero(family == 3)[0])
    hyper = fit(x[few], family[few], y[few], FAMILIES)
    posterior = Posterior(hyper, x[few], family[few])
    posterior.observe(y[few])
    hidden = ~few
    assert np.corrcoef(posterior.mean(x[hidden], family[hidden]), y[hidden])[0, 1] > 0.9
    against = y.copy()
    against[family == 3] *= -1
    assert fit(x, family, against, FAMILIES).loadings[3] < fit(x, family, y, FAMILIES).loadings[3]


def test_the_fit_is_better_than_the_prior_and_takes_equal_observations() -> None:
    """The density grows; observations that are all zero end in a fit as well."""
    data = points(40)
    means, _ = prior(FEATURES, FAMILIES)
    hyper = fit(*data, FAMILIES)
    vector = np.concatenate(
        [
            np.log([*hyper.lengths, hyper.signal, hyper.offset, hyper.noise]),
            np.log(hyper.loadings / (1 - hyper.loadings)),
        ]
    )
    assert negative_log_posterior(vector, *data, FAMILIES)[0] < negative_log_posterior(means, *data, FAMILIES)[0] - 5
    assert np.isfinite(fit(data[0], data[1], np.zeros(40), FAMILIES).signal)
