"""Blocks trained and stored: fixed configurations on fresh, paired seeds, the test set read once for each run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from optuna.study import Study

from lrsearch.confirmation.blocks import Block
from lrsearch.confirmation.candidates import Candidate
from lrsearch.confirmation.holds import epochs_held, held, is_held_by_another
from lrsearch.confirmation.progress import ConfirmProgress
from lrsearch.experiment.experiment import Experiment
from lrsearch.processes.interruption import Interruption
from lrsearch.records import pack_scores
from lrsearch.storage import StudyPart, enter_in_ledger
from lrsearch.trials.full_runs import VALIDATED, FullRun, FullRuns


def confirm_blocks(
    experiment: Experiment,
    study: Study,
    blocks: Sequence[Block],
    *,
    every_epoch: bool,
    on_epoch: Callable[[ConfirmProgress], None] = lambda _: None,
) -> None:
    """Train what is missing of `blocks`, a block to a stack, and store each block when it is done.

    Args:
        experiment: what is trained.
        study: the confirmation study; its finished runs are not run again.
        blocks: the plan.
        every_epoch: read the test set after every epoch (nothing was selected: one planned reading) and not only
            after the last.
        on_epoch: called after every epoch of a block.

    Raises:
        Interrupted: by a signal; the blocks that were finished are stored.
    """
    with Interruption.handled() as interruption:
        for block in blocks:
            missing = _missing(study, block)
            if not missing or is_held_by_another(study, block):
                continue
            before = confirm_progress(experiment, study, blocks)
            with held(study, block) as tell_epochs:
                full_runs = [FullRun(c.schedule, block.seeds_of(c), c.settings, c.sampled) for c in missing]
                parts = (*VALIDATED, "test") if every_epoch else VALIDATED
                with FullRuns(experiment, block.seeds, full_runs, parts=parts, purpose="confirm") as runs:
                    if every_epoch:
                        _enter_in_ledger(study, block, missing, epochs="every")
                    while runs.training:
                        with interruption.training():
                            runs.epoch()
                        tell_epochs(runs.epochs_done)
                        on_epoch(replace(before, epochs_in_training=before.epochs_in_training + runs.epochs_done))
                    if not every_epoch:
                        _enter_in_ledger(study, block, missing, epochs="last")
                    _store(study, block, missing, runs)


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
    return ConfirmProgress(total, stored, experiment.epochs, in_training)


def _done(study: Study) -> set[tuple[int | None, str]]:
    """Return the finished runs as (block, candidate)."""
    return {(run.block, run.family) for run in StudyPart.of(study).runs}


def _missing(study: Study, block: Block) -> list[Candidate]:
    done = _done(study)
    return [candidate for candidate in block.candidates if (block.index, candidate.name) not in done]


def _store(study: Study, block: Block, candidates: Sequence[Candidate], runs: FullRuns) -> None:
    """Read the test set once for every run of a block, and add the runs to the confirmation."""
    done = _done(study)
    for key, candidate in enumerate(candidates):
        if (block.index, candidate.name) in done:
            continue  # two commands began the block in the same moment; both got the same result
        attributes = {
            "entry": candidate.name,
            "block": block.index,
            "settings": candidate.settings,
            "split_seed": block.seeds.split,
        }
        score = None
        if (read := runs.test_scores(key)) is not None:
            score = read.score
            attributes |= {} if read.loss is None else {"test_loss": read.loss}
            attributes |= {} if read.per_example is None else pack_scores(read.per_example)
        runs.store(study, key, value=score, attributes={**attributes, "test_accuracy": score})


def _enter_in_ledger(study: Study, block: Block, candidates: Sequence[Candidate], *, epochs: str) -> None:
    """Write down that the test set is about to be read, after `every` epoch or the `last`."""
    reading = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "block": block.index,
        "entries": [candidate.name for candidate in candidates],
        "epochs": epochs,
        "beyond_plan": block.index >= int(study.user_attrs.get("planned_blocks", block.index + 1)),
    }
    enter_in_ledger(study, block.index, reading)
