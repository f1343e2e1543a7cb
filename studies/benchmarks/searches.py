"""The searches that bench_search compares: plain Optuna, Ray Tune with ASHA, lrsearch."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import optuna
import torch
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from work import Batches, article_batches, epochs_of, in_memory_batches

from lrsearch.config import StudyConfig
from lrsearch.experiment.experiment import Seeds
from lrsearch.experiment.options import RunOptions
from lrsearch.experiment.space import FAMILY
from lrsearch.experiment.workload_experiment import WorkloadExperiment
from lrsearch.search.optimize import run_search
from lrsearch.training.data import TrainingData


@dataclass(frozen=True)
class Task:
    """What a search has to do.

    Attributes:
        experiment: the data, the search space and the length of a trial.
        data: the experiment's data, split.
        jobs: trials at a time.
        trials: how many, to their ends; None where time is the limit, and pruning allowed.
        seconds: the wall time, or None.
    """

    experiment: WorkloadExperiment
    data: TrainingData
    jobs: int
    trials: int | None
    seconds: float | None

    @classmethod
    def prepare(cls, config: StudyConfig, **limits: Any) -> Task:
        """Load the data and split it as lrsearch's search will."""
        experiment = WorkloadExperiment.prepare(config, device="cpu")
        split = experiment.dataset.split(Seeds.of(config.seed, "search", 0).split)
        return cls(experiment, TrainingData.build(experiment.dataset, split, device="cpu"), **limits)

    def accuracies(self, batches: Batches, params: dict[str, Any]) -> Iterable[float]:
        """Train the schedule of `params` in a plain loop; yield the select accuracy of every epoch."""
        schedule = self.experiment.schedule(params)
        epochs, steps = self.experiment.epochs, self.experiment.steps_per_epoch
        return epochs_of(batches, schedule, epochs=epochs, steps_per_epoch=steps)


@dataclass(frozen=True)
class Outcome:
    """What a search came to.

    Attributes:
        seconds: wall time, the start of its processes included.
        complete: trials that reached their last epoch in time.
        epochs: trial-epochs, those of pruned and unfinished trials included.
        best: the best select accuracy of the complete trials.
        processor_seconds: of all its processes, where that was measured.
    """

    seconds: float
    complete: int
    epochs: int
    best: float | None
    processor_seconds: float | None = None

    @classmethod
    def of(cls, begun: float, trials: Iterable[tuple[int, float, float | None]], task: Task) -> Outcome:
        """Sum up a search that began at the time `begun`, from each trial's (epochs, end, value or None)."""
        now = time.time()
        deadline = begun + task.seconds if task.seconds else now
        trials = list(trials)
        values = [value for _, end, value in trials if value is not None and end <= deadline]
        return cls(now - begun, len(values), sum(epochs for epochs, _, _ in trials), max(values, default=None))


def plain_optuna(task: Task, batches_of: Callable[[TrainingData, int], Batches]) -> Outcome:
    """Search as Optuna's tutorials do: `study.optimize(n_jobs=...)`, TPE, the median pruner where one is wanted."""
    torch.set_num_threads(1)
    batches = batches_of(task.data, task.experiment.workload.batch_size)
    pruner = optuna.pruners.NopPruner() if task.seconds is None else optuna.pruners.MedianPruner()
    study = optuna.create_study(direction="maximize", pruner=pruner, sampler=optuna.samplers.TPESampler(seed=0))
    begun = time.time()

    def objective(trial: optuna.Trial) -> float:
        accuracy = 0.0
        params = task.experiment.space.suggest(trial)
        for epoch, accuracy in enumerate(task.accuracies(batches, params), start=1):
            trial.report(accuracy, epoch)
            late = task.seconds is not None and time.time() > begun + task.seconds
            if late or trial.should_prune():
                raise optuna.TrialPruned
        return accuracy

    study.optimize(objective, n_trials=task.trials, timeout=task.seconds, n_jobs=task.jobs)
    return Outcome.of(begun, map(_of_optuna, study.get_trials(deepcopy=False)), task)


def _of_optuna(trial: optuna.trial.FrozenTrial) -> tuple[int, float, float | None]:
    complete = trial.state == optuna.trial.TrialState.COMPLETE
    end = trial.datetime_complete.timestamp() if trial.datetime_complete else 0.0
    return len(trial.intermediate_values), end, trial.value if complete else None


def article_in_optuna(task: Task) -> Outcome:
    """Plain Optuna around the article's own loop."""
    return plain_optuna(task, article_batches)


def in_memory_in_optuna(task: Task) -> Outcome:
    """Plain Optuna around the same loop on tensors in memory."""
    return plain_optuna(task, in_memory_batches)


def ray_tune(task: Task) -> Outcome:
    """Ray Tune with ASHA around the loop on tensors in memory; Ray itself is started before the clock.

    Raises:
        ImportError: if Ray Tune is not installed.
    """
    tune = import_module("ray.tune")
    _start_ray(import_module("ray"), task.jobs)
    space = task.experiment.space
    named = {name: one for family in space.families for name, one in space.distributions(family).items()}
    named[FAMILY] = space.family_distribution
    # A grace period of all epochs stops nothing.
    grace_epochs = task.experiment.epochs if task.seconds is None else 1
    with tempfile.TemporaryDirectory() as folder:
        begun = time.time()
        results = tune.Tuner(
            tune.with_resources(tune.with_parameters(_ray_trial, task=task), {"cpu": 1}),
            param_space={name: _ray_domain(tune, one) for name, one in named.items()},
            tune_config=tune.TuneConfig(
                metric="accuracy",
                mode="max",
                scheduler=tune.schedulers.ASHAScheduler(max_t=task.experiment.epochs, grace_period=grace_epochs),
                num_samples=task.trials or -1,
                time_budget_s=task.seconds,
            ),
            run_config=tune.RunConfig(storage_path=folder, verbose=0),
        ).fit()
        reported = [result.metrics for result in results if result.metrics and "accuracy" in result.metrics]
        return Outcome.of(begun, (_of_ray(metrics, task) for metrics in reported), task)


def _start_ray(ray: Any, jobs: int) -> None:
    if not ray.is_initialized():
        os.environ["RAY_AIR_NEW_OUTPUT"] = "0"  # verbose=0 alone leaves its new tables
        paths = os.pathsep.join(path for path in sys.path if path)
        environment = {"env_vars": {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}}
        ray.init(
            num_cpus=jobs, include_dashboard=False, log_to_driver=False, logging_level="ERROR", runtime_env=environment
        )


def _ray_trial(params: dict[str, Any], *, task: Task) -> None:
    tune = import_module("ray.tune")
    torch.set_num_threads(1)
    batches = in_memory_batches(task.data, task.experiment.workload.batch_size)
    for accuracy in task.accuracies(batches, params):
        tune.report({"accuracy": accuracy})


def _ray_domain(tune: Any, distribution: BaseDistribution) -> Any:
    """Return Ray's name for the same distribution; its whole numbers end before the upper bound."""
    if isinstance(distribution, CategoricalDistribution):
        return tune.choice(list(distribution.choices))
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    if isinstance(distribution, IntDistribution):
        return (tune.lograndint if distribution.log else tune.randint)(distribution.low, distribution.high + 1)
    return (tune.loguniform if distribution.log else tune.uniform)(distribution.low, distribution.high)


def _of_ray(metrics: dict[str, Any], task: Task) -> tuple[int, float, float | None]:
    epochs = metrics["training_iteration"]
    return epochs, metrics["timestamp"], metrics["accuracy"] if epochs >= task.experiment.epochs else None


def lrsearch_search(task: Task) -> Outcome:
    """Search with lrsearch as `optimize` does: loading the data, starting the workers and storage included."""
    changes = {
        "search.trials": task.trials or 100_000,
        "search.pruner": "none" if task.seconds is None else "rungs",
    }
    with tempfile.TemporaryDirectory() as folder:
        options = RunOptions(
            storage=f"sqlite:///{Path(folder) / 'search.db'}",
            device="cpu",
            workers=task.jobs,
            timeout_seconds=task.seconds,
        )
        begun = time.time()
        studies, _ = run_search(task.experiment.config.changed(changes), options)
        return Outcome.of(begun, map(_of_optuna, studies[0].get_trials(deepcopy=False)), task)


SEARCHES: dict[str, Callable[[Task], Outcome]] = {
    "plain Optuna, the article's loop": article_in_optuna,
    "plain Optuna, loop in memory": in_memory_in_optuna,
    "lrsearch": lrsearch_search,
    "Ray Tune + ASHA, loop in memory": ray_tune,  # last: its processes end by and by, and their times with them
}
"""What is compared, the first being what the others are held against."""
