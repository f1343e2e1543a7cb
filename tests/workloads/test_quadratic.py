"""The noisy quadratic: the exact moments of its loss against simulation and by hand."""

import numpy as np
import pytest

from lrsearch.schedules import make_schedule
from lrsearch.workloads.quadratic import NoisyQuadratic

STEPS = 60


def simulated(problem: NoisyQuadratic, rates: np.ndarray, runs: int) -> np.ndarray:
    """Return the losses of independent runs of plain SGD."""
    rng = np.random.default_rng(3)
    theta = rng.standard_normal((runs, problem.dimension))
    for eta in rates:
        noise = rng.standard_normal(theta.shape) * np.sqrt(problem.gradient_variance)
        theta -= eta * (problem.curvature * theta + noise)
    return theta**2 @ problem.curvature / 2


@pytest.mark.parametrize("family", ["constant", "cosine", "one_cycle"])
def test_moments_are_those_of_ten_thousand_runs(family: str) -> None:
    """Mean and variance of simulated losses lie within four standard errors of the exact ones."""
    problem = NoisyQuadratic(spectrum=0.5, batch=2, noise=1.0, dimension=10)
    rates = make_schedule(family, total_steps=STEPS, base_lr=0.5).lr(np.arange(STEPS))
    losses = simulated(problem, rates, 10_000)
    assert losses.mean() == pytest.approx(problem.expected_loss(rates), abs=4 * losses.std() / 100)
    squares = (losses - losses.mean()) ** 2
    assert squares.mean() == pytest.approx(problem.loss_variance(rates), abs=4 * squares.std() / 100)


def test_one_step_by_hand() -> None:
    """With h = c = 1, batch 4 and a rate of 1/2 the variance 1 becomes 1/4 + 1/16."""
    assert NoisyQuadratic(batch=4, dimension=1).second_moments([0.5]).tolist() == [0.3125]


def test_schedules_side_by_side_are_those_alone() -> None:
    """A batch of schedules has the losses of each."""
    rates = np.random.default_rng(0).uniform(0, 0.3, (2, 3, STEPS))
    problem = NoisyQuadratic(spectrum=1.5, batch=8, scale=4.0)
    assert problem.expected_loss(rates).shape == (2, 3)
    assert problem.expected_loss(rates)[1, 2] == pytest.approx(problem.expected_loss(rates[1, 2]), rel=1e-14)


def test_divergence_is_infinite() -> None:
    """A rate far above 2 / scale ends in infinity, without a warning."""
    assert NoisyQuadratic(scale=8.0).expected_loss(np.full(2000, 5.0)) == np.inf
