"""The noisy quadratic: the exact moments of its loss against simulation and by hand."""

from typing import Any

import numpy as np
import pytest

from lrsearch.errors import InputError
from lrsearch.runs.messages import Message, Report
from lrsearch.runs.run import Run
from lrsearch.runs.spec import RunSeeds, RunSpec
from lrsearch.schedules import Schedule, make_schedule
from lrsearch.workloads.quadratic import NoisyQuadratic, noisy_quadratic

STEPS = 60
PROBLEM = {"spectrum": 0.5, "batch": 2, "noise": 1.0, "dimension": 10}


class Listener:
    """A search that keeps every score."""

    def __init__(self) -> None:
        self.scores: list[float] = []

    def tell(self, message: Message) -> None:
        """Hear nothing else."""
        raise AssertionError(message)

    def report(self, report: Report) -> bool:
        """Keep a score, and let the run go on."""
        self.scores.append(report.score)
        return False


def scores_of(schedule: Schedule, seed: int = 0, *, order: int = 1, reports: int = 1, **parameters: Any) -> list[float]:
    """Return what a run of the training function reports."""
    spec = RunSpec(
        training="lrsearch.workloads.quadratic:noisy_quadratic",
        schedule=schedule.params(),
        parameters=parameters,
        seeds=RunSeeds(seed, order, 0),
        total_steps=STEPS,
        reports=reports,
        epochs=reports,
    )
    listener = Listener()
    run = Run(spec, listener)
    assert not run.finish(noisy_quadratic(run))
    return listener.scores


@pytest.mark.parametrize("runs", [150, pytest.param(10_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("family", ["constant", "cosine", "one_cycle"])
def test_moments_are_those_of_many_runs(family: str, runs: int) -> None:
    """Mean and variance of simulated losses lie within four standard errors of the exact ones."""
    schedule, problem = make_schedule(family, total_steps=STEPS, base_lr=0.5), NoisyQuadratic(**PROBLEM)
    rates = schedule.lr(np.arange(STEPS))
    losses = np.array([scores_of(schedule, seed, order=seed, draws=1, **PROBLEM) for seed in range(runs)])
    assert losses.mean() == pytest.approx(problem.expected_loss(rates), abs=4 * losses.std() / np.sqrt(runs))
    squares = (losses - losses.mean()) ** 2
    assert squares.mean() == pytest.approx(problem.variance_of_loss(rates), abs=4 * squares.std() / np.sqrt(runs))


def test_a_score_is_the_mean_over_its_draws() -> None:
    """So its variance is that of the loss divided by their number; every report has the loss of its own update."""
    schedule, problem = make_schedule("cosine", total_steps=STEPS, base_lr=0.5), NoisyQuadratic(**PROBLEM)
    reported = scores_of(schedule, reports=3, draws=4000, **PROBLEM)
    for update, score in zip((20, 40, 60), reported, strict=True):
        rates = schedule.lr(np.arange(update))
        error = np.sqrt(problem.variance_of_loss(rates) / 4000)
        assert score == pytest.approx(problem.expected_loss(rates), abs=4 * error)


def test_families_of_a_block_share_their_start_and_their_noise() -> None:
    """Two schedules on one pair of seeds end alike; another order or another start gives another end."""
    one = make_schedule("constant", total_steps=STEPS, base_lr=0.1)
    other = make_schedule("constant", total_steps=STEPS, base_lr=0.11)
    pairs = np.array([[*scores_of(one, s, draws=1), *scores_of(other, s, draws=1)] for s in range(40)])
    assert np.corrcoef(pairs.T)[0, 1] > 0.95
    assert len({*scores_of(one, 0), *scores_of(one, 1), *scores_of(one, 0, order=2)}) == 3


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"batch": 0}, "batch must be above 0, got 0"),
        ({"draws": 0}, "draws must be at least 1, got 0"),
        ({"bach": 8}, "parameters must be among .*, got bach"),
    ],
)
def test_parameters_that_it_does_not_have_are_named(parameters: dict[str, Any], message: str) -> None:
    """In one line."""
    with pytest.raises(InputError, match=message):
        scores_of(make_schedule("constant", total_steps=STEPS, base_lr=0.1), **parameters)


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
