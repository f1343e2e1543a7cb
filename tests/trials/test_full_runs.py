"""Lanes that train to their end, and the records that they leave."""

import optuna
import pytest

from lrsearch.experiment.experiment import Seeds
from lrsearch.experiment.workload_experiment import WorkloadExperiment
from lrsearch.storage import to_record
from lrsearch.trials.full_runs import FullRun, FullRuns
from tests.search.run_helpers import make_config

SEEDS = Seeds(split=1, init=2, order=3, sampler=4)


def _constant(base_lr: float) -> FullRun:
    parameters = {"family": "constant", "base_lr": base_lr, "total_steps": 30, "warmup_steps": 0}
    return FullRun(parameters, SEEDS)


@pytest.fixture
def experiment() -> WorkloadExperiment:
    return WorkloadExperiment.prepare(make_config(), device="cpu")


def test_a_lane_that_diverges_leaves_the_others_running(experiment) -> None:
    """It is stored with the workload's worst value, and a curve that ends where it diverged."""
    runs = FullRuns(experiment, SEEDS, [_constant(0.1), _constant(1e30)])
    for _ in range(experiment.epochs):
        runs.epoch()
    study = optuna.create_study(direction="maximize")
    for key in range(2):
        runs.store(study, key, value=0.75, attributes={"entry": "constant"})
    whole, diverged = map(to_record, study.get_trials())
    assert not runs.has_diverged(0)
    assert runs.has_diverged(1)
    assert (0.75, "finished", experiment.epochs) == (whole.value, whole.stop_reason, len(whole.curve.train_loss))
    assert (experiment.workload.worst_value, "diverged", 1) == (
        diverged.value,
        diverged.stop_reason,
        len(diverged.curve.train_loss),
    )
    assert (2, 3, experiment.epochs) == (whole.init_seed, whole.order_seed, whole.epochs)
