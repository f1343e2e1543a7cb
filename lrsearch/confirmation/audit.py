"""The pruning audit: a random share of the pruned trials is trained to the end, to see what pruning has missed."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from lrsearch.confirmation.job import Job, OnEpoch
from lrsearch.confirmation.progress import ConfirmProgress
from lrsearch.errors import InputError
from lrsearch.experiment.experiment import Experiment, Seeds
from lrsearch.experiment.options import lanes_of
from lrsearch.names import audit_name
from lrsearch.processes.interruption import Interruption
from lrsearch.storage import StudyPart, family_of, to_record
from lrsearch.trials.checkpoints import open_checkpoints
from lrsearch.trials.full_runs import FullRun, FullRuns


@dataclass(frozen=True)
class Batch:
    """Pruned trials of one replicate that are finished side by side."""

    replicate: int
    trials: tuple[FrozenTrial, ...]


def finish_pruned(job: Job, share: float, *, on_epoch: OnEpoch = lambda _: None) -> Study:
    """Finish a random share of a search's pruned trials and return the study NAME/audit that holds them.

    Run again it resumes where it was interrupted, and a larger share adds to a smaller one. The test set is not read.
    `verdict.pruning_audit` says what it has shown.

    Args:
        job: of the search.
        share: of the pruned trials, above 0 and at most 1.
        on_epoch: called after every epoch of a batch.

    Raises:
        InputError: if there is no search, nothing was pruned, or the share is invalid.
        Interrupted: by a signal; what was finished is stored.
    """
    if not job.searches:
        raise InputError(f"there is nothing to audit: {job.name!r} has no search in this storage (run optimize first)")
    drawn = sample_pruned(job.searches, share, job.config.seed)
    todo = batches(drawn, lanes_of(job.options, sum(map(len, drawn)), job.experiment.device))
    audit = job.create_study(audit_name(job.name), {"searches": len(job.searches)})
    job.train(
        finish_batches, audit, todo, progress=lambda: audit_progress(job.experiment, audit, todo), on_epoch=on_epoch
    )
    return audit


def sample_pruned(searches: Sequence[Study], share: float, seed: int) -> list[list[FrozenTrial]]:
    """Return, for each replicate, ceil(share x pruned) of its pruned trials, drawn at random.

    A trial whose family has no complete trial is not drawn, because there would be nothing to compare it with; nor is
    one that was added by hand, which does not say what to train.

    Args:
        searches: the replicates.
        share: of the pruned trials, above 0 and at most 1.
        seed: of the draw; equal seeds give equal draws, a larger share a draw that holds the smaller one.

    Raises:
        InputError: if the share is invalid, or nothing was pruned.
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
    storage: str,
    on_epoch: OnEpoch,
) -> None:
    """Train what is missing of these trials from the start to the end, on the search's own seeds, and store them.

    A trial is a function of its schedule and its seeds alone, so this is what it would have become.

    Args:
        experiment: of the search.
        audit: the study that takes the finished trials; what it holds is not run again.
        todo: the batches.
        storage: the study's address, beside which runs keep their files.
        on_epoch: called after every epoch of a batch.

    Raises:
        Interrupted: by a signal; the batches that were finished are stored.
    """
    files = open_checkpoints(audit, experiment.config, storage)
    with Interruption.handled() as interruption:
        for batch in todo:
            done = _done(audit)
            missing = [trial for trial in batch.trials if (batch.replicate, trial.number) not in done]
            if not missing:
                continue
            before = audit_progress(experiment, audit, todo)
            seeds = Seeds.of(experiment.config.seed, "search", batch.replicate)
            full_runs = [
                FullRun(
                    trial.user_attrs["schedule"],
                    seeds,
                    trial.params,
                    trial,
                    files.run_folder(f"audit-{batch.replicate:02d}-{trial.number:06d}"),
                    f"trial {trial.number}, finished after all,",
                )
                for trial in missing
            ]
            with FullRuns(experiment, seeds, full_runs) as runs:
                while runs.training:
                    with interruption.training():
                        runs.epoch()
                    _store(audit, batch, missing, runs)
                    on_epoch(replace(before, epochs_in_training=sum(runs.epochs_done)))


def audit_progress(experiment: Experiment, audit: Study, todo: Sequence[Batch]) -> ConfirmProgress:
    """Return how far an audit is, by what is stored of these trials."""
    wanted = {(batch.replicate, trial.number) for batch in todo for trial in batch.trials}
    return ConfirmProgress(len(wanted), len(wanted & _done(audit)), experiment.epochs, unit=experiment.epoch_word)


def _done(audit: Study) -> set[tuple[int | None, int | None]]:
    """Return the finished trials as (replicate, number)."""
    return {(run.replicate, run.audited) for run in StudyPart.of(audit).runs}


def _store(audit: Study, batch: Batch, trials: Sequence[FrozenTrial], runs: FullRuns) -> None:
    """Store the runs that have ended."""
    for key in runs.ended():
        trial, scores = trials[key], runs.validation_scores(key)
        runs.store(
            audit,
            key,
            value=scores[-1] if scores else None,
            attributes={"entry": family_of(trial), "replicate": batch.replicate, "audited": trial.number},
        )
        runs.release(key)
