"""The pruning audit: some of the pruned trials, drawn at random, are finished after all, to see what was missed."""

from __future__ import annotations

import math
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState, create_trial

from lrsearch.confirmation.blocks import ConfirmState
from lrsearch.errors import InputError
from lrsearch.experiment.experiment import Experiment, Seeds
from lrsearch.processes.interruption import Interruption
from lrsearch.records import LearningCurve
from lrsearch.schedules import schedule_from_params
from lrsearch.storage import audited_trials, family_of, to_record, worker_name
from lrsearch.storage.trial import values_by_family
from lrsearch.training.device import device_label


@dataclass(frozen=True)
class Batch:
    """Pruned trials of one replicate that are finished side by side."""

    replicate: int
    trials: tuple[FrozenTrial, ...]


def sample_pruned(searches: Sequence[Study], share: float, seed: int) -> list[list[FrozenTrial]]:
    """Return, for each replicate, ceil(share x pruned) of its pruned trials, drawn at random.

    A trial whose family has no trial that was not pruned is not drawn: there would be nothing to hold it against;
    nor is one that somebody added by hand, which does not say what to train.

    Args:
        searches: the replicates.
        share: of the pruned trials, above 0 and at most 1.
        seed: of the draw; equal seeds give equal draws, a larger share a draw that holds the smaller one.

    Raises:
        InputError: if the share is out of its rule, or nothing was pruned.
    """
    if not 0 < share <= 1:
        raise InputError(f"audit-pruned must be a share above 0 and at most 1, got {share}")
    drawn = []
    for replicate, study in enumerate(searches):
        known = values_by_family(study)
        pruned = study.get_trials(deepcopy=False, states=(TrialState.PRUNED,))
        pruned = [trial for trial in pruned if family_of(trial) in known and _can_be_trained(trial)]
        rng = np.random.default_rng([seed, zlib.crc32(b"audit"), replicate])
        chosen = rng.permutation(len(pruned))[: math.ceil(share * len(pruned))]
        drawn.append([pruned[place] for place in sorted(chosen)])
    if not any(drawn):
        raise InputError("audit-pruned: no trial of this search was pruned, so there is nothing to audit")
    return drawn


def _can_be_trained(trial: FrozenTrial) -> bool:
    record = to_record(trial)
    return bool(record.schedule) and None not in (record.init_seed, record.order_seed)


def batches(drawn: Sequence[Sequence[FrozenTrial]], lanes: int) -> list[Batch]:
    """Return the drawn trials in batches of at most `lanes`, each of one replicate."""
    return [
        Batch(replicate, tuple(trials[first : first + lanes]))
        for replicate, trials in enumerate(drawn)
        for first in range(0, len(trials), lanes)
    ]


def finish_batches(
    experiment: Experiment,
    audit: Study,
    todo: Sequence[Batch],
    *,
    compile_step: bool = False,
    on_epoch: Callable[[ConfirmState], None] = lambda _: None,
) -> None:
    """Train what is missing of these trials from the start to the end, on the search's own seeds, and store them.

    A trial is a function of its schedule and its seeds alone, so this is what it would have become.

    Args:
        experiment: of the search.
        audit: the study that takes the finished trials; what it holds is not run again.
        todo: the batches.
        compile_step: whether the step is worth compiling.
        on_epoch: called after every epoch of a batch.

    Raises:
        Interrupted: by a signal; the batches that were finished are stored.
    """
    state = audit_state(experiment, audit, todo)
    done = audited_trials(audit)
    with Interruption.handled() as interruption:
        for batch in todo:
            missing = [trial for trial in batch.trials if (batch.replicate, trial.number) not in done]
            if missing:
                run = _BatchRun(experiment, batch.replicate, missing, compile_step)
                for epoch in range(1, experiment.epochs + 1):
                    with interruption.training():
                        run.epoch()
                    state.epochs_in_training = epoch * len(missing)
                    on_epoch(state)
                run.store(audit)
                state.done, state.epochs_in_training = state.done + len(missing), 0


def audit_state(experiment: Experiment, audit: Study, todo: Sequence[Batch]) -> ConfirmState:
    """Return how far an audit is, by what is stored of these trials."""
    wanted = {(batch.replicate, trial.number) for batch in todo for trial in batch.trials}
    return ConfirmState(len(wanted), len(wanted & audited_trials(audit).keys()), experiment.epochs)


class _BatchRun:
    def __init__(
        self, experiment: Experiment, replicate: int, trials: Sequence[FrozenTrial], compile_step: bool
    ) -> None:
        self._experiment, self._replicate, self._trials = experiment, replicate, trials
        seeds = Seeds.of(experiment.config.seed, "search", replicate)
        self._stack = experiment.stack(seeds, compile_step=compile_step)
        self._curves = [LearningCurve() for _ in trials]
        self._diverged: set[int] = set()
        self._seconds = 0.0
        for key, trial in enumerate(trials):
            schedule = schedule_from_params(trial.user_attrs["schedule"])
            self._stack.admit(key, experiment.lane(schedule, seeds, trial.params))

    def epoch(self) -> None:
        begun = time.perf_counter()
        for key, metrics in self._stack.run_epoch().items():
            self._curves[key] = self._curves[key].extended(metrics.train_loss, metrics.loss, metrics.score)
            if metrics.diverged:
                self._diverged.add(key)
                self._stack.release(key)
        self._seconds += time.perf_counter() - begun

    def store(self, audit: Study) -> None:
        for key, (trial, curve) in enumerate(zip(self._trials, self._curves, strict=True)):
            lost = key in self._diverged
            audit.add_trial(
                create_trial(
                    state=TrialState.COMPLETE,
                    value=self._experiment.workload.worst_value if lost else curve.select_accuracy[-1],
                    user_attrs=self._attributes(trial, curve, "diverged" if lost else "finished"),
                )
            )

    def _attributes(self, trial: FrozenTrial, curve: LearningCurve, stop_reason: str) -> dict[str, Any]:
        kept = {name: trial.user_attrs[name] for name in ("schedule", "init_seed", "order_seed")}
        return {
            **kept,
            "entry": family_of(trial),
            "replicate": self._replicate,
            "audited": trial.number,
            "curve": curve.to_json(),
            "epochs": self._experiment.epochs,
            "seconds": round(self._seconds / len(self._trials), 4),
            "device": device_label(self._experiment.device),
            "worker": worker_name(),
            "stop_reason": stop_reason,
        }
