"""Objective: one trial at a time, for plain `study.optimize`."""

from __future__ import annotations

import threading
import time
from typing import Literal

from optuna.exceptions import TrialPruned
from optuna.trial import Trial

from lrsearch.config import StudyConfig
from lrsearch.config.arguments import checked
from lrsearch.errors import RunError
from lrsearch.experiment.experiment import Seeds
from lrsearch.experiment.options import RunOptions
from lrsearch.experiment.prepare import prepare_experiment
from lrsearch.storage import worker_name
from lrsearch.training.device import set_up_device
from lrsearch.trials.trial_log import TrialLog


class Objective:
    """A callable for `study.optimize` that leaves the same trial as the stacked search does.

    The study's own sampler and pruner decide; `FamilySampler(objective.experiment.space, seed=0)` and
    `RungPruner(config.training.epochs)` are lrsearch's.

    Args:
        config: the study file.
        device: "auto", "cpu" or "cuda".
        replicate: whose seeds the trials have.

    Raises:
        InputError: if the workload or its data is unavailable.
    """

    @checked
    def __init__(
        self, config: StudyConfig, *, device: Literal["auto", "cpu", "cuda"] = "auto", replicate: int = 0
    ) -> None:
        self.experiment = prepare_experiment(config, RunOptions(device=device, workers=1))
        set_up_device(self.experiment.device)
        self.seeds = Seeds.of(config.seed, "search", replicate)
        self._stack = self.experiment.stack(self.seeds, rungs=range(1, self.experiment.epochs))
        self._turn = threading.Lock()

    def __call__(self, trial: Trial) -> float:
        """Train one trial to its end and return its value; raise TrialPruned where the study's pruner says so."""
        with self._turn:
            # First whose the trial is, so that one whose process dies can be told from one that is running.
            trial.set_user_attr("worker", worker_name())
            log = TrialLog.begin(self.experiment, trial, self.seeds)
            self._stack.admit(trial.number, log.lane)
            try:
                return self._train(log)
            finally:
                self._stack.release(trial.number)

    def _train(self, log: TrialLog) -> float:
        while log.epochs < self.experiment.epochs:
            begun = time.perf_counter()
            trained = self._stack.run_epoch()
            if crash := self._stack.crashes().get(log.trial.number):
                raise RunError(f"trial {log.trial.number} has crashed: {crash.error}")
            if (metrics := trained.get(log.trial.number)) is None:
                continue  # a run takes its time
            log.record(metrics, time.perf_counter() - begun)
            log.trial.report(log.value, log.epochs)
            if metrics.diverged:
                return log.finish("diverged")
            if log.epochs < self.experiment.epochs and log.trial.should_prune():
                log.finish("pruned")
                raise TrialPruned
        return log.finish("finished")
