"""What one trial costs here: a short epoch of a workload, or the first reports of a run, timed."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

from lrsearch.errors import RunError
from lrsearch.experiment.experiment import Experiment, Seeds
from lrsearch.experiment.options import RunOptions, lanes_of
from lrsearch.experiment.run_experiment import RunExperiment
from lrsearch.experiment.workload_experiment import WorkloadExperiment
from lrsearch.processes.interruption import Interruption
from lrsearch.processes.local import auto_workers
from lrsearch.runs.spec import RunSpec
from lrsearch.schedules import Choice, Range, make_schedule, resolve_ranges
from lrsearch.training.device import set_up_device
from lrsearch.workloads import Dataset

_SHORT_STEPS = 40
_REPORTS = 2


@dataclass(frozen=True)
class Timing:
    """What one trial costs on this machine.

    Attributes:
        epoch_seconds: an epoch of one trial in one process, or what a run takes from one report to the next.
        start_seconds: what a run takes before its first update: imports and data; 0 for a workload.
        workers: processes, or runs, side by side.
    """

    epoch_seconds: float
    start_seconds: float
    workers: int

    def seconds(self, trials: int, epochs: int) -> float:
        """Return what `trials` of `epochs` epochs take, side by side."""
        return trials * self.run_seconds(epochs) / self.workers

    def run_seconds(self, epochs: int) -> float:
        """Return what one trial, or run, of `epochs` epochs takes."""
        return self.start_seconds + epochs * self.epoch_seconds


def time_trials(experiment: Experiment, options: RunOptions, trials: int) -> Timing:
    """Train a little of one trial and return what trials cost here. Nothing is stored.

    Args:
        experiment: what is trained.
        options: device, workers and lanes, as it would be run.
        trials: of the search, by which the lanes of a GPU are chosen.

    Raises:
        InputError: if a run does not do what a run must.
        RunError: if it fails.
    """
    if isinstance(experiment, RunExperiment):
        return _time_run(experiment)
    assert isinstance(experiment, WorkloadExperiment)
    workers = options.workers or auto_workers(experiment.device)
    lanes = lanes_of(options, trials, experiment.device)
    return Timing(seconds_per_trial_epoch(experiment, lanes), 0.0, workers)


def _time_run(experiment: RunExperiment) -> Timing:
    """Time runs to their second report in the middle of what is searched, as many side by side as there will be."""
    seeds, reports = Seeds.of(experiment.config.seed, "plan", 0), min(_REPORTS, experiment.epochs)
    run = middle_run(experiment, seeds)
    seconds = {key: list[float]() for key in range(experiment.at_once)}
    training, stack = set(seconds), experiment.stack(seeds)
    try:
        for key in seconds:
            stack.admit(key, run)
        with Interruption.handled() as interruption:
            while training:
                with interruption.training():
                    told = stack.run_epoch()
                for crash in stack.crashes().values():
                    raise RunError(f"{experiment.name} failed twice with the same seeds: {crash.error}")
                for key, metrics in told.items():
                    seconds[key].append(metrics.seconds or 0.0)
                    if len(seconds[key]) >= reports or metrics.diverged:
                        training.discard(key)
                        stack.release(key)
    finally:
        stack.close()
    epoch = fmean(times[-1] for times in seconds.values())
    start = fmean(max(0.0, times[0] - times[-1]) for times in seconds.values())
    return Timing(epoch, start, experiment.at_once)


def middle_run(experiment: RunExperiment, seeds: Seeds) -> RunSpec:
    """Return a run in the middle of what is searched, at a constant rate."""
    parameters = {name: _middle(searched) for name, searched in experiment.config.searched.items()}
    return experiment.lane(experiment.constant_schedule(middle_rate(experiment)), seeds, parameters)


def middle_rate(experiment: Experiment) -> float:
    """Return the rate in the middle of the range of base_lr."""
    searched = resolve_ranges(
        "constant",
        experiment.config.ranges,
        total_steps=experiment.total_steps,
        epochs=experiment.epochs,
        momentum=experiment.config.optimizer.largest_momentum,
        optimizer=experiment.config.optimizer.name,
    )
    return float(_middle(searched["base_lr"]))


def _middle(searched: Range | Choice) -> Any:
    """Return the value in the middle of a range, or the first choice."""
    if isinstance(searched, Choice):
        return searched.choices[0]
    middle = math.sqrt(searched.low * searched.high) if searched.log else (searched.low + searched.high) / 2
    return round(middle) if searched.integer else middle


def seconds_per_trial_epoch(experiment: WorkloadExperiment, lanes: int = 1) -> float:
    """Return how long one epoch of one trial takes in one process here, by training a part of an epoch.

    Where lanes train side by side all of a run's are timed, else one. The first short epoch, which warms up, is not
    counted.

    Args:
        experiment: what is trained.
        lanes: trials side by side.
    """
    set_up_device(experiment.device)
    choice = experiment.choose_way(lanes)
    short = replace(experiment, dataset=_part(experiment), way=choice.way)
    side_by_side = lanes if experiment.device == "cuda" or (choice.way == "stacked" and choice.seconds) else 1
    seeds = Seeds.of(experiment.config.seed, "plan", 0)
    stack = short.stack(seeds)
    schedule = make_schedule("constant", total_steps=2 * short.steps_per_epoch, base_lr=0.01)
    for key in range(side_by_side):
        stack.admit(key, short.lane(schedule, seeds))
    parts = ("test",) if experiment.config.data.train == "all" else ("select", "report")
    stack.run_epoch(parts)
    begun = time.perf_counter()
    stack.run_epoch(parts)
    seconds = time.perf_counter() - begun
    return seconds * experiment.steps_per_epoch / short.steps_per_epoch / side_by_side


def _part(experiment: WorkloadExperiment) -> Dataset:
    """Return the first examples of the data, for at least 40 updates an epoch, or all if there are fewer."""
    whole = experiment.dataset
    share = min(1.0, _SHORT_STEPS / experiment.steps_per_epoch)
    return whole.first(*(max(12, math.ceil(share * len(part))) for part in (whole.train_x, whole.test_x)))
