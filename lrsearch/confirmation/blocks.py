"""Confirmation: fixed configurations on fresh, paired seeds, in blocks, with the test set read once per run."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from optuna.study import Study
from optuna.trial import FrozenTrial

from lrsearch.errors import InputError
from lrsearch.experiment.experiment import Experiment, Seeds
from lrsearch.processes.interruption import Interruption
from lrsearch.records import pack_scores
from lrsearch.storage import StudyPart, enter_in_ledger, is_dead, is_elsewhere, worker_name
from lrsearch.trials.full_runs import VALIDATED, FullRun, FullRuns

AA, POSITIVE = "aa", "positive"


_SILENT_SECONDS = 1800.0
"""After so long without an epoch a process on another machine is taken for dead."""


@dataclass(frozen=True)
class Entry:
    """One configuration of a block, under the name by which it is compared.

    Attributes:
        name: a family, or a baseline of the study file.
        schedule: its schedule's parameters, as `schedule_from_params` takes them.
        settings: the optimizer's settings that were searched, empty if none was.
        control: "aa" or "positive" if its truth is known, else empty.
        control_of: the entry that the control stands beside.
        effort: after how many of its family's trials this was the best, if before the search's end, else 0.
        sampled: the trial of the search that it repeats; None for a fixed schedule.
    """

    name: str
    schedule: dict[str, Any]
    settings: dict[str, Any] = field(default_factory=dict)
    control: str = ""
    control_of: str = ""
    effort: int = 0
    sampled: FrozenTrial | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the entry as plain data."""
        return {"name": self.name, "schedule": self.schedule, "settings": self.settings}


@dataclass(frozen=True)
class Block:
    """What is trained side by side on one split, one initialisation and one order of the data."""

    index: int
    seeds: Seeds
    entries: tuple[Entry, ...]

    def seeds_of(self, entry: Entry) -> Seeds:
        """Return the seeds on which an entry of this block is trained: the block's, or an A/A twin's own.

        A twin shares the split alone: on the same initialisation and order it would give the same result to the bit,
        and prove nothing.
        """
        if entry.control != AA:
            return self.seeds
        return replace(Seeds.of(self.seeds.init, "A/A", self.index), split=self.seeds.split)


def baseline_entries(experiment: Experiment) -> tuple[Entry, ...]:
    """Return the study file's `[[baseline]]` schedules as entries.

    Raises:
        InputError: if a baseline's numbers do not fit into the run.
    """
    entries = []
    for baseline in experiment.config.baseline:
        try:
            made = baseline.schedule(epochs=experiment.epochs, steps_per_epoch=experiment.steps_per_epoch)
        except InputError as error:
            raise InputError(f"baseline {baseline.name!r}: {error}") from error
        settings = {name: getattr(baseline, name) for name in experiment.config.optimizer.searched()}
        entries.append(Entry(baseline.name, made.params(), settings))
    return tuple(entries)


@dataclass
class ConfirmState:
    """What a progress display shows: runs are (block, entry) pairs; those in training have had some epochs."""

    total: int
    done: int
    epochs: int
    epochs_in_training: int = 0

    @property
    def fraction(self) -> float:
        """How much of the work is done, 0 to 1."""
        return (self.done + self.epochs_in_training / self.epochs) / self.total


def confirm_blocks(
    experiment: Experiment,
    study: Study,
    blocks: Sequence[Block],
    *,
    every_epoch: bool,
    compile_step: bool = False,
    on_epoch: Callable[[ConfirmState], None] = lambda _: None,
) -> None:
    """Train what is missing of `blocks`, a block to a stack, and store each block when it is done.

    Args:
        experiment: what is trained.
        study: the confirmation study; its finished runs are not run again.
        blocks: the plan.
        every_epoch: read the test set after every epoch (nothing was selected: one planned reading) and not only
            after the last.
        compile_step: whether the step is worth compiling.
        on_epoch: called after every epoch of a block.

    Raises:
        Interrupted: by a signal; the blocks that were finished are stored.
    """
    state = confirm_state(experiment, study, blocks)
    with Interruption.handled() as interruption:
        for block in blocks:
            done = _done(study)
            missing = [entry for entry in block.entries if (block.index, entry.name) not in done]
            if missing and not _held_by_another(study, block):
                try:
                    _hold(study, block, 0)
                    runs = FullRuns(
                        experiment,
                        block.seeds,
                        [_full_run(block, entry) for entry in missing],
                        parts=(*VALIDATED, "test") if every_epoch else VALIDATED,
                        compile_step=compile_step,
                    )
                    if every_epoch:
                        _enter_in_ledger(study, block, missing, epochs="every")
                    for epoch in range(1, experiment.epochs + 1):
                        with interruption.training():
                            runs.epoch()
                        state.epochs_in_training = epoch * len(missing)
                        _hold(study, block, state.epochs_in_training)
                        on_epoch(state)
                    if not every_epoch:
                        _enter_in_ledger(study, block, missing, epochs="last")
                    _store(study, block, missing, runs)
                finally:
                    study.set_user_attr(_hold_key(block), {})
                state.done, state.epochs_in_training = state.done + len(missing), 0


def _done(study: Study) -> set[tuple[int | None, str]]:
    """Return the finished runs as (block, entry)."""
    return {(run.block, run.family) for run in StudyPart.of(study).runs}


def confirm_state(experiment: Experiment, study: Study, blocks: Sequence[Block]) -> ConfirmState:
    """Return how far a confirmation is, by what is stored of these blocks and by what running processes say."""
    wanted = {(block.index, entry.name) for block in blocks for entry in block.entries}
    holds = [study.user_attrs.get(_hold_key(block), {}) for block in blocks]
    in_training = sum(int(hold.get("epochs", 0)) for hold in holds if not is_dead(str(hold.get("worker"))))
    return ConfirmState(len(wanted), len(wanted & _done(study)), experiment.epochs, in_training)


def _hold(study: Study, block: Block, epochs: int) -> None:
    """Say that this process trains a block, and how many epochs its runs have had, for other processes to see."""
    study.set_user_attr(_hold_key(block), {"worker": worker_name(), "when": time.time(), "epochs": epochs})


def _held_by_another(study: Study, block: Block) -> bool:
    """Return whether another command is training a block: a live process here, or one elsewhere that spoke lately."""
    hold = study.user_attrs.get(_hold_key(block), {})
    worker = str(hold.get("worker", ""))
    if worker in ("", worker_name()) or is_dead(worker):
        return False
    return not is_elsewhere(worker) or time.time() - float(hold["when"]) < _SILENT_SECONDS


def release_holds(study: Study, blocks: Sequence[Block], workers: Collection[str]) -> None:
    """Let others train the blocks that these processes, which are known to be dead, were training."""
    for block in blocks:
        if study.user_attrs.get(_hold_key(block), {}).get("worker") in workers:
            study.set_user_attr(_hold_key(block), {})


def _hold_key(block: Block) -> str:
    return f"hold:{block.index:04d}"


def _full_run(block: Block, entry: Entry) -> FullRun:
    return FullRun(entry.schedule, block.seeds_of(entry), entry.settings, entry.sampled)


def _store(study: Study, block: Block, entries: Sequence[Entry], runs: FullRuns) -> None:
    """Read the test set once for every run of a block, and add the runs to the confirmation."""
    done = _done(study)
    for key, entry in enumerate(entries):
        if (block.index, entry.name) in done:
            continue  # two commands began the block in the same moment; both got the same result
        attributes = {
            "entry": entry.name,
            "block": block.index,
            "settings": entry.settings,
            "split_seed": block.seeds.split,
        }
        if runs.has_diverged(key):
            score = runs.worst_value
        else:
            loss, scores = runs.test_scores(key)
            score = float(scores.mean())
            attributes |= {"test_loss": loss, **pack_scores(scores)}
        runs.store(study, key, value=score, attributes={**attributes, "test_accuracy": score})


def _enter_in_ledger(study: Study, block: Block, entries: Sequence[Entry], *, epochs: str) -> None:
    """Write down that the test set is about to be read, after `every` epoch or the `last`."""
    reading = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "block": block.index,
        "entries": [entry.name for entry in entries],
        "epochs": epochs,
        "beyond_plan": block.index >= int(study.user_attrs.get("planned_blocks", block.index + 1)),
    }
    enter_in_ledger(study, block.index, reading)
