"""What one trial costs here."""

import tomllib
from dataclasses import replace

import pytest
import torch

from lrsearch.config import StudyConfig
from lrsearch.errors import RunError
from lrsearch.experiment.options import RunOptions
from lrsearch.experiment.prepare import prepare_experiment
from lrsearch.experiment.workload_experiment import WorkloadExperiment
from lrsearch.planning import timing
from lrsearch.planning.timing import Timing, middle_rate, seconds_per_trial_epoch, time_trials
from lrsearch.workloads import Dataset
from tests.confirmation_examples import config_of
from tests.runs.training_examples import STUDY as TOY


def test_a_short_epoch_stands_for_a_whole_one(monkeypatch) -> None:
    """Of much data only a part is trained, and its time is scaled by the updates; the first epoch does not count."""
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(24000, 6, generator=generator), torch.zeros(24000, dtype=torch.int64)
    experiment = replace(WorkloadExperiment.prepare(config_of(), device="cpu"), dataset=Dataset(x, y, x[:600], y[:600]))
    assert 1000 == experiment.steps_per_epoch
    steps = []
    clock = iter([100.0, 102.0])
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(clock))
    whole = WorkloadExperiment.stack

    def counted(self, seeds, **given):
        steps.append(self.steps_per_epoch)
        return whole(self, seeds, **given)

    monkeypatch.setattr(WorkloadExperiment, "stack", counted)
    seconds = seconds_per_trial_epoch(experiment)
    (short,) = steps
    assert 40 <= short <= 42
    assert 2.0 * 1000 / short == pytest.approx(seconds)


def test_a_run_is_timed_by_its_first_two_reports() -> None:
    """What the first takes longer than the second is its start, which every run pays."""
    toy = StudyConfig.from_dict(tomllib.loads(TOY))
    experiment = prepare_experiment(toy)
    assert middle_rate(experiment) == pytest.approx(0.1)
    measured = time_trials(experiment, RunOptions(), 4)
    assert 0 < measured.epoch_seconds < 1
    assert 1 == measured.workers
    assert 2 * (3.0 + 10 * 0.5) / 2 == Timing(0.5, 3.0, workers=2).seconds(2, 10)
    broken = prepare_experiment(toy.changed({"run.training": "tests.runs.training_examples:fails"}))
    with pytest.raises(RunError, match="no mean of nothing"):
        time_trials(broken, RunOptions(), 4)
