"""A whole confirmation from one call: find the candidates, plan the blocks, train them, store them."""

from __future__ import annotations

import logging
import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from optuna.study import Study

from lrsearch.comparison.compare import FEWEST_BLOCKS
from lrsearch.config import StudyConfig
from lrsearch.confirmation.audit import finish_pruned
from lrsearch.confirmation.blocks import Block, BlockPlan, plan_blocks
from lrsearch.confirmation.candidates import finished_trials, strongest
from lrsearch.confirmation.controls import controls_of, with_controls
from lrsearch.confirmation.holds import release_holds
from lrsearch.confirmation.job import Job, OnEpoch
from lrsearch.confirmation.progress import ConfirmProgress
from lrsearch.confirmation.train import confirm_blocks, confirm_progress
from lrsearch.errors import AllDiverged, InputError
from lrsearch.experiment.options import RunOptions
from lrsearch.names import confirmation_name
from lrsearch.processes.interruption import Interruption
from lrsearch.records import finite
from lrsearch.schedules import FAMILIES, reads_metric
from lrsearch.storage import StudyPart, records, require_same_plan
from lrsearch.text import counted
from lrsearch.training.device import set_up_device

logger = logging.getLogger(__name__)

_WAIT_SECONDS = 2.0


@dataclass(frozen=True)
class Confirmation:
    """A finished confirmation.

    Attributes:
        study: that holds its runs.
        finished: whether all of them are stored; not where the time was over first.
        left_out: families of which no trial is complete.
        audit: the study of the pruned trials that were finished, if any were.
    """

    study: Study
    finished: bool
    left_out: tuple[str, ...]
    audit: Study | None = None

    @property
    def too_few(self) -> bool:
        """Whether so few blocks are stored that they give no verdict."""
        return _stored_blocks(self.study) < FEWEST_BLOCKS


def run_confirm(
    config: StudyConfig,
    options: RunOptions = RunOptions(),
    *,
    blocks: int | None = None,
    top: int = 1,
    controls: Sequence[str] = (),
    audit_pruned: float | None = None,
    on_epoch: OnEpoch = lambda _: None,
) -> Confirmation:
    """Train the winners of a search and the fixed schedules of its study file on fresh, paired seeds.

    Args:
        config: the study; its search, if it has been run, is looked up in the storage.
        options: how it is run; it stops after `timeout_seconds`, as `confirm_blocks` says.
        blocks: how many; the plan's if None. After several replicates it is their number. Where the plan has several
            interim analyses the last one's blocks are planned, whichever are trained now.
        top: configurations of each family.
        controls: "aa", "positive" or both: candidates whose truth is known; see `with_controls`.
        audit_pruned: first finish this share of the search's pruned trials, above 0 and at most 1; see `finish_pruned`.
        on_epoch: called after every epoch of a block.

    Raises:
        InputError: if there is nothing to confirm, or another confirmation has this name.
        AllDiverged: if there is nothing to confirm because every trial of the search has diverged.
        Interrupted: by a signal; what was finished is stored.
    """
    if blocks is not None and blocks < 1:
        raise InputError(f"blocks must be at least 1, got {blocks}")
    if top < 1:
        raise InputError(f"top must be at least 1, got {top}")
    ends_at = math.inf if options.timeout_seconds is None else time.time() + options.timeout_seconds
    job = Job.prepare(config, options)
    audit = None if audit_pruned is None else finish_pruned(job, audit_pruned, on_epoch=on_epoch)
    wanted = blocks or config.plan.blocks
    plan = _plan(job, wanted, top, controls)
    study = _open_study(job, plan)
    for line in job.experiment.cautions:
        logger.info(f"warning: {line}")
    _say_what_is_not_done(job, study, blocks)
    _say_too_few(len(job.searches) if len(job.searches) > 1 else max(wanted, _stored_blocks(study)))
    planned = plan.blocks if len(job.searches) > 1 else plan.blocks[:wanted]
    task = partial(confirm_blocks, every_epoch=not job.searches and config.run is None, ends_at=ends_at)

    def progress() -> ConfirmProgress:
        return confirm_progress(job.experiment, study, planned)

    job.train(
        task,
        study,
        planned,
        progress=progress,
        on_epoch=on_epoch,
        lost=lambda names: release_holds(study, planned, names),
    )
    if time.time() < ends_at:
        train_rest = partial(task, job.experiment, study, planned, storage=job.options.storage, on_epoch=on_epoch)
        _wait_for_others(job, progress, train_rest=train_rest, ends_at=ends_at)
    state = progress()
    return Confirmation(study, state.done >= state.total, plan.left_out, audit)


def _plan(job: Job, blocks: int, top: int, controls: Sequence[str]) -> BlockPlan:
    """Return the blocks with their controls."""
    config, experiment = job.config, job.experiment
    planned = max(blocks, *config.plan.looks, 0)
    plan = plan_blocks(experiment, job.searches, blocks=planned, top=top, tuning_budgets=config.plan.tuning_efforts)
    if not plan.blocks[0].candidates:
        if any(finished_trials(search, family) for search in job.searches for family in config.search.families):
            raise AllDiverged.of(job.name)
        raise InputError(
            f"there is nothing to confirm: {job.name!r} has no finished search in this storage (run optimize first), "
            "and the study file has no [[baseline]]"
        )
    compared = [
        f for f in config.search.families if not (reads_metric(f) or FAMILIES[f].free_form) and f not in plan.left_out
    ]
    beside = strongest(experiment, job.searches, compared)
    return replace(plan, blocks=tuple(with_controls(experiment, plan.blocks, controls, beside=beside)))


def _open_study(job: Job, plan: BlockPlan) -> Study:
    """Create the confirmation, or open the existing one.

    Raises:
        InputError: if that one has another plan or other candidates.
    """
    attributes = {
        "planned_blocks": len(plan.blocks),
        "entries": _candidates(plan.blocks),
        "searches": len(job.searches),
        "metric": job.experiment.metric.name,
        "worst_value": finite(job.experiment.worst_value),
        "failed_at": job.experiment.failed_at,
        "trials_per_family": _trials_per_family(job.searches, job.config.search.families),
        "left_out": list(plan.left_out),
        "controls": controls_of(plan.blocks),
        "efforts": {str(trials): standing for trials, standing in plan.tuning_budgets.items()},
    }
    study = job.create_study(confirmation_name(job.name), attributes)
    require_same_plan(StudyPart.of(study), job.config)
    if study.user_attrs.get("entries") != attributes["entries"]:
        raise InputError(
            f"study {study.study_name!r} confirms other configurations: the search has other winners by now, or "
            "its baselines or its controls were changed. Confirm under another --study-name, or delete it first"
        )
    return study


def _candidates(blocks: Sequence[Block]) -> list[list[dict[str, Any]]]:
    """Return the candidates block by block, or once if all blocks have the same."""
    every = [[candidate.to_json() for candidate in block.candidates] for block in blocks]
    return every[:1] if all(candidates == every[0] for candidates in every) else every


def _trials_per_family(searches: Sequence[Study], families: Sequence[str]) -> int:
    """Return how many finished trials every family had in every search at least."""
    counts = [Counter(record.family for record in records(search) if record.finished) for search in searches]
    return min((count[family] for count in counts for family in families), default=0)


def _say_what_is_not_done(job: Job, study: Study, blocks: int | None) -> None:
    """Log where a number of blocks that was asked for is not the number that the confirmation ends with."""
    if blocks is None:
        return
    stored, replicates = _stored_blocks(study), len(job.searches)
    if replicates > 1 and blocks != replicates:
        logger.warning(
            f"blocks: {blocks} asked for, but there is one for each of {replicates} replicates of the search"
        )
    elif stored > blocks:
        logger.warning(f"blocks: {blocks} asked for, but {stored} are stored, and all {stored} count in the verdict")


def _stored_blocks(study: Study) -> int:
    return len({run.block for run in StudyPart.of(study).runs})


def _say_too_few(blocks: int) -> None:
    """Log, before they are trained, where so few blocks give no verdict."""
    if blocks < FEWEST_BLOCKS:
        logger.warning(f"{counted(blocks, 'block')} cannot give a verdict, which needs at least {FEWEST_BLOCKS}")


def _wait_for_others(
    job: Job, progress: Callable[[], ConfirmProgress], *, train_rest: Callable[[], None], ends_at: float
) -> None:
    """Wait for the blocks that other commands are training, and train here what they leave."""

    def missing() -> int:
        state = progress()
        return state.total - state.done

    if runs := missing():
        logger.warning(f"another command trains {counted(runs, 'run')} of this confirmation; waiting for it")
        set_up_device(job.experiment.device)
    with Interruption.handled() as interruption:
        while missing() and time.time() < ends_at:
            time.sleep(_WAIT_SECONDS)
            interruption.check()
            train_rest()
