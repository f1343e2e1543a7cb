"""Blocks trained and stored: fixed configurations on fresh, paired seeds, the test set read once for each run."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from optuna.study import Study

from lrsearch.confirmation.blocks import Block
from lrsearch.confirmation.candidates import Candidate
from lrsearch.confirmation.holds import Hold, epochs_held, held, is_held_by_another
from lrsearch.confirmation.progress import ConfirmProgress
from lrsearch.errors import RunError
from lrsearch.experiment.experiment import Experiment
from lrsearch.processes.interruption import Interruption
from lrsearch.records import TrialRecord, pack_scores
from lrsearch.storage import StudyPart, enter_in_ledger, records
from lrsearch.trials.checkpoints import Checkpoints, open_checkpoints
from lrsearch.trials.full_runs import VALIDATED, FullRun, FullRuns
from lrsearch.verdict.confirmation_plan import planned_blocks


def confirm_blocks(
    experiment: Experiment,
    study: Study,
    blocks: Sequence[Block],
    *,
    every_epoch: bool,
    storage: str,
    ends_at: float,
    on_epoch: Callable[[ConfirmProgress], None],
) -> None:
    """Train what is missing of `blocks`, and store each run when it is done.

    A workload's blocks are trained one after the other, each in a stack; of runs as many blocks are begun together as
    fill their places.

    Args:
        experiment: what is trained.
        study: the confirmation study; its finished runs are not run again.
        blocks: the plan.
        every_epoch: read the test set after every epoch (nothing was selected: one planned reading) and not only
            after the last.
        storage: the study's address, beside which runs keep their files.
        ends_at: the time of day, in seconds, at which it stops: runs where they are, to go on from their checkpoints;
            a workload's block that was begun is finished first.
        on_epoch: called after every epoch of a block.

    Raises:
        Interrupted: by a signal; the runs that were finished are stored.
    """
    files = open_checkpoints(study, experiment.config, storage)
    size = experiment.blocks_at_once(len(blocks[0].candidates)) if blocks else 1
    with Interruption.handled() as interruption:
        for first in range(0, len(blocks), size):
            if time.time() >= ends_at:
                return
            before = confirm_progress(experiment, study, blocks)
            with ExitStack() as holds:
                runs = [
                    _Run(block, candidate, hold)
                    for block in blocks[first : first + size]
                    if (missing := _missing(study, block)) and not is_held_by_another(study, block)
                    for hold in [holds.enter_context(held(study, block))]
                    for candidate in missing
                ]
                if runs:
                    training = holds.enter_context(_full_runs(experiment, runs, files, every_epoch=every_epoch))
                    if every_epoch:
                        _enter_in_ledger(study, runs, epochs="every")
                    while training.training and (experiment.config.run is None or time.time() < ends_at):
                        with interruption.training():
                            training.epoch()
                        _store(experiment, study, runs, training, enter=not every_epoch)
                        on_epoch(_progress(before, runs, training.epochs_done))


@dataclass(eq=False)
class _Run:
    """A candidate in a block."""

    block: Block
    candidate: Candidate
    hold: Hold
    stored: bool = False


def _full_runs(experiment: Experiment, runs: Sequence[_Run], files: Checkpoints, *, every_epoch: bool) -> FullRuns:
    full_runs = []
    for run in runs:
        candidate, block = run.candidate, run.block
        name = f"block-{block.index:04d}-{block.candidates.index(candidate):02d}"
        folder = files.run_folder(name)
        seeds = block.seeds_of(candidate)
        told = f"{candidate.name} in block {block.index}"
        full_runs.append(FullRun(candidate.schedule, seeds, candidate.settings, candidate.sampled, folder, told))
    parts = (*VALIDATED, "test") if every_epoch else VALIDATED
    return FullRuns(experiment, runs[0].block.seeds, full_runs, parts=parts, purpose="confirm")


def _progress(before: ConfirmProgress, runs: Sequence[_Run], epochs: Sequence[int]) -> ConfirmProgress:
    """Tell other processes how far the runs are, and return how far the confirmation is."""
    by_hold: dict[Hold, int] = {}
    for run, done in zip(runs, epochs, strict=True):
        by_hold[run.hold] = by_hold.get(run.hold, 0) + (0 if run.stored else done)
    for hold, in_training in by_hold.items():
        hold(in_training)
    stored = sum(run.stored for run in runs)
    return replace(
        before,
        done=before.done + stored,
        epochs_in_training=before.epochs_in_training + sum(by_hold.values()),
    )


def confirm_progress(experiment: Experiment, study: Study, blocks: Sequence[Block]) -> ConfirmProgress:
    """Return how far a confirmation is, by what is stored of these blocks and by what running processes say."""
    attributes = study.user_attrs  # before the runs: a block that ends in between is counted as stored
    done = _done(study)
    total = stored = in_training = 0
    for block in blocks:
        missing = sum((block.index, candidate.name) not in done for candidate in block.candidates)
        total += len(block.candidates)
        stored += len(block.candidates) - missing
        # The process that holds a block counts its runs until all are stored.
        in_training += min(epochs_held(attributes, block), missing * experiment.epochs)
    return ConfirmProgress(total, stored, experiment.epochs, in_training, unit=experiment.epoch_word)


def _runs(study: Study) -> list[TrialRecord]:
    """Return the finished runs, without trials that were added by hand."""
    return [record for record in records(study) if record.confirmed]


def _done(study: Study) -> set[tuple[int | None, str]]:
    """Return the finished runs as (block, candidate)."""
    return {(run.block, run.family) for run in _runs(study)}


def _missing(study: Study, block: Block) -> list[Candidate]:
    done = _done(study)
    return [candidate for candidate in block.candidates if (block.index, candidate.name) not in done]


def _store(experiment: Experiment, study: Study, runs: Sequence[_Run], training: FullRuns, *, enter: bool) -> None:
    """Read the test set once for every run that has ended, and add these to the confirmation."""
    ended = training.ended()
    if not ended:
        return
    if enter and experiment.has_test_set:
        _enter_in_ledger(study, [runs[key] for key in ended], epochs="last")
    done = _done(study)
    for key in ended:
        block, candidate, runs[key].stored = runs[key].block, runs[key].candidate, True
        if (block.index, candidate.name) in done:
            continue  # two commands began the block in the same moment; both got the same result
        attributes = {
            "entry": candidate.name,
            "block": block.index,
            "settings": candidate.settings,
            "split_seed": block.seeds.split,
        }
        score = None
        if (read := training.test_scores(key)) is not None:
            score = read.score
            attributes |= {} if read.loss is None else {"test_loss": read.loss}
            attributes |= {} if read.per_example is None else pack_scores(read.per_example)
        training.store(study, key, value=score, attributes={**attributes, "test_accuracy": score})
        training.release(key)
    if experiment.config.run is not None:
        _require_seeds_used(study, {runs[key].candidate.name for key in ended})


def _require_seeds_used(study: Study, names: Collection[str]) -> None:
    """Raise RunError where a candidate reported the same in two blocks: every difference would look certain."""
    told: set[tuple[Any, ...]] = set()
    for run in _runs(study):
        curve = (run.family, run.test_accuracy, *run.curve.select_accuracy, *run.curve.train_loss)
        if run.family in names and curve in told and not run.without_score:
            raise RunError(
                f"{run.family} has the same scores in two blocks: the function ignores run.seeds. Use run.seeds.init, "
                "run.seeds.order and run.seeds.split in place of its own seeds, then confirm under another --study-name"
            )
        told.add(curve)


def _enter_in_ledger(study: Study, runs: Sequence[_Run], *, epochs: str) -> None:
    """Write down that the test set is about to be read, after `every` epoch or the `last`."""
    planned = planned_blocks(StudyPart.of(study))
    for index, of_block in groupby(runs, key=lambda run: run.block.index):
        reading = {
            "when": datetime.now(UTC).isoformat(timespec="seconds"),
            "block": index,
            "entries": [run.candidate.name for run in of_block],
            "epochs": epochs,
            "beyond_plan": planned is not None and index >= planned,
        }
        enter_in_ledger(study, index, reading)
