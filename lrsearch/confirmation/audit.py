"""The pruning audit: some of the pruned trials, drawn at random, are finished after all, to see what was missed."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from lrsearch.confirmation.blocks import ConfirmState
from lrsearch.errors import InputError
from lrsearch.experiment.experiment import Experiment, Seeds
from lrsearch.processes.interruption import Interruption
from lrsearch.storage import StudyPart, family_of, to_record
from lrsearch.trials.full_runs import FullRun, FullRuns


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
        families = {family_of(t) for t in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))}
        pruned = study.get_trials(deepcopy=False, states=(TrialState.PRUNED,))
        pruned = [trial for trial in pruned if family_of(trial) in families and _can_be_trained(trial)]
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
    done = _done(audit)
    with Interruption.handled() as interruption:
        for batch in todo:
            missing = [trial for trial in batch.trials if (batch.replicate, trial.number) not in done]
            if missing:
                seeds = Seeds.of(experiment.config.seed, "search", batch.replicate)
                full_runs = [_full_run(trial, seeds) for trial in missing]
                runs = FullRuns(experiment, seeds, full_runs, compile_step=compile_step)
                for epoch in range(1, experiment.epochs + 1):
                    with interruption.training():
                        runs.epoch()
                    state.epochs_in_training = epoch * len(missing)
                    on_epoch(state)
                _store(audit, batch, missing, runs)
                state.done, state.epochs_in_training = state.done + len(missing), 0


def audit_state(experiment: Experiment, audit: Study, todo: Sequence[Batch]) -> ConfirmState:
    """Return how far an audit is, by what is stored of these trials."""
    wanted = {(batch.replicate, trial.number) for batch in todo for trial in batch.trials}
    return ConfirmState(len(wanted), len(wanted & _done(audit)), experiment.epochs)


def _done(audit: Study) -> set[tuple[int | None, int | None]]:
    """Return the finished trials as (replicate, number)."""
    return {(run.replicate, run.audited) for run in StudyPart.of(audit).runs}


def _full_run(trial: FrozenTrial, seeds: Seeds) -> FullRun:
    return FullRun(trial.user_attrs["schedule"], seeds, trial.params, trial)


def _store(audit: Study, batch: Batch, trials: Sequence[FrozenTrial], runs: FullRuns) -> None:
    for key, trial in enumerate(trials):
        runs.store(
            audit,
            key,
            value=runs.validation_scores(key)[-1],
            attributes={"entry": family_of(trial), "replicate": batch.replicate, "audited": trial.number},
        )
