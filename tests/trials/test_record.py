"""A trial's record: what it says from the beginning, and what from the end."""

from lrsearch.experiment.experiment import Seeds
from lrsearch.experiment.workload_experiment import WorkloadExperiment
from lrsearch.records import LearningCurve
from lrsearch.trials.record import closing, opening
from tests.search.run_helpers import make_config

SEEDS = Seeds(split=1, init=2, order=3, sampler=4)


def test_the_opening_says_what_is_trained_and_on_which_seeds() -> None:
    """The schedule is a copy; epochs, device and kernels are the experiment's."""
    experiment = WorkloadExperiment.prepare(make_config(), device="cpu")
    schedule = {"family": "constant", "base_lr": 0.1}
    record = opening(experiment, schedule, SEEDS)
    assert {
        "schedule": {"family": "constant", "base_lr": 0.1},
        "init_seed": 2,
        "order_seed": 3,
        "epochs": 2,
        "device": "cpu",
        "kernels": "torch",
    } == record
    assert record["schedule"] is not schedule


def test_the_closing_says_what_came_of_it() -> None:
    """Parts of the curve that were not evaluated are left out; seconds have four digits."""
    curve = LearningCurve(train_loss=(1.0, float("nan")))
    assert {"curve": {"train_loss": [1.0, None]}, "seconds": 1.2346, "stop_reason": "diverged"} == (
        closing(curve, 1.23456, "diverged")
    )
