"""Expected improvement against SciPy, and what the search among candidates finds."""

import numpy as np
from scipy.stats import norm

from lrsearch.search.gp.acquisition import Candidates, log_expected_improvement
from lrsearch.search.gp.features import CurveFeatures
from tests.search.sampling_helpers import make_space


def test_expected_improvement_is_that_of_the_formula() -> None:
    """Ln of sd (phi(z) + z Phi(z)), from far above the best to where it loses its digits."""
    z, sd = np.linspace(-6, 30, 200), 0.3
    expected = np.log(sd * (norm.pdf(z) + z * norm.cdf(z)))
    np.testing.assert_allclose(log_expected_improvement(2 + sd * z, np.full(200, sd), 2.0), expected, rtol=1e-6)


def test_expected_improvement_stays_finite_and_rises() -> None:
    """Where it is below any float it still tells better from worse, by the tail -z^2 / 2 - 2 ln |z|."""
    z = -np.geomspace(1e7, 1.0, 300)
    values = log_expected_improvement(z, np.ones(300), 0.0)
    assert np.all(np.isfinite(values))
    assert np.all(np.diff(values) > 0)
    np.testing.assert_allclose(values[:100], -(z[:100] ** 2) / 2 - 2 * np.log(-z[:100]), rtol=1e-3)


def test_the_best_candidate_comes_close_to_the_best_of_the_space() -> None:
    """The distance to a point of the unit cube is brought below a fiftieth, with and without points to begin from."""
    space = make_space(("polynomial",))
    distributions = space.distributions("polynomial")
    features = CurveFeatures(space)
    candidates = Candidates("polynomial", distributions, features, seed=1)
    params = candidates.params(np.array([0.3, 0.5, 0.6, 0.2]))
    target = features([{"family": "polynomial", **params}])[0]

    def worth(x: np.ndarray) -> np.ndarray:
        return -np.abs(x - target).max(axis=1)

    for around in (np.zeros((0, 4)), candidates.units([params]) + 0.1):
        best = candidates.best(worth, around, np.random.default_rng(3))
        assert -worth(features([{"family": "polynomial", **best}]))[0] < 0.05


def test_the_same_draw_gives_the_same_candidate() -> None:
    """It depends on the seed and the generator, not on what was asked before."""
    space = make_space(("linear",))
    first, second = (
        Candidates("linear", space.distributions("linear"), CurveFeatures(space), seed=1) for _ in range(2)
    )

    def worth(x: np.ndarray) -> np.ndarray:
        return np.asarray(x[:, 0])

    first.best(worth, np.zeros((0, 3)), np.random.default_rng(0))
    assert first.best(worth, np.zeros((0, 3)), np.random.default_rng(7)) == second.best(
        worth, np.zeros((0, 3)), np.random.default_rng(7)
    )
