"""A whole confirmation from one call: find the winners, plan the blocks, train them, store them."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from optuna.storages import BaseStorage
from optuna.study import Study

from lrsearch.config import StudyConfig
from lrsearch.confirmation.blocks import Block, ConfirmState, confirm_blocks, confirm_state, release_holds
from lrsearch.confirmation.candidates import BlockPlan, plan_blocks, strongest
from lrsearch.confirmation.controls import controls_of, with_controls
from lrsearch.errors import InputError
from lrsearch.experiment.experiment import Experiment, LoadedData, OwnCopy
from lrsearch.experiment.options import RunOptions, study_names
from lrsearch.names import confirmation_name, search_names
from lrsearch.processes.interruption import Interruption
from lrsearch.processes.launch import run_in_processes
from lrsearch.processes.local import auto_workers
from lrsearch.schedules import reads_metric
from lrsearch.storage import (
    StudyPart,
    create_study,
    existing_storage,
    load_study,
    open_storage,
    records,
    reopen_storage,
    require_same_plan,
    require_same_study,
    stored_names,
    with_stored_sampler,
)
from lrsearch.training.device import set_up_device

logger = logging.getLogger(__name__)

_WAIT_SECONDS = 2.0


@dataclass(frozen=True)
class Confirmation:
    """A finished confirmation: its study, and the families that no trial stands for."""

    study: Study
    left_out: tuple[str, ...]


def run_confirm(
    config: StudyConfig,
    options: RunOptions = RunOptions(),
    *,
    blocks: int | None = None,
    top: int = 1,
    controls: Sequence[str] = (),
    on_epoch: Callable[[ConfirmState], None] = lambda _: None,
) -> Confirmation:
    """Train the winners of a search and the fixed schedules of its study file on fresh, paired seeds.

    Args:
        config: the study; its search, if it has been run, is looked up in the storage.
        options: how it is run.
        blocks: how many; the plan's if None. After several replicates it is their number. Where the plan has several
            looks the last one's blocks are planned, whichever are trained now.
        top: configurations of each family.
        controls: "aa", "positive" or both: entries whose truth is known; see `with_controls`.
        on_epoch: called after every epoch of a block.

    Raises:
        InputError: if there is nothing to confirm, or another confirmation of this name is there.
        Interrupted: by a signal; the blocks that were finished are stored.
    """
    if blocks is not None and blocks < 1:
        raise InputError(f"blocks must be at least 1, got {blocks}")
    if top < 1:
        raise InputError(f"top must be at least 1, got {top}")
    name = options.study_name or config.name
    config = with_stored_sampler(config, existing_storage(options.storage), name)
    experiment = Experiment.prepare(config, device=options.device)
    options = options.resolved(experiment.device)
    storage = open_storage(options.storage)
    searches = open_finished_searches(storage, name, experiment)
    wanted, looks = blocks or config.plan.blocks, config.plan.looks
    plan = plan_blocks(experiment, searches, blocks=max(wanted, *looks, 0), top=top, efforts=config.plan.tuning_efforts)
    if not plan.blocks[0].entries:
        raise InputError(
            f"there is nothing to confirm: {name!r} has no finished search in this storage (run optimize first), and "
            "the study file has no [[baseline]]"
        )
    beside = strongest(experiment, searches, [family for family in _compared(config) if family not in plan.left_out])
    plan = replace(plan, blocks=tuple(with_controls(experiment, plan.blocks, controls, beside=beside)))
    study = create_study(
        storage,
        confirmation_name(name),
        config,
        direction=experiment.workload.direction,
        metric_name=experiment.workload.metric_name,
        data_fingerprint=experiment.data_fingerprint,
        attributes=_attributes(plan, searches, experiment),
    )
    part = StudyPart.of(study)
    if part.added_by_hand:
        logger.warning(part.added_by_hand)
    require_same_plan(part, config)
    _refuse_other_entries(study, plan.blocks)
    planned = plan.blocks if len(searches) > 1 else plan.blocks[:wanted]
    every_epoch = not searches
    workers = min(options.workers or auto_workers(experiment.device), len(planned))
    state = confirm_state(experiment, study, planned)
    compile_step = experiment.compiles(options.compile_step, (state.total - state.done) * experiment.epochs / workers)
    if workers == 1 and options.scheduler is None:
        set_up_device(experiment.device)
        confirm_blocks(
            experiment, study, planned, every_epoch=every_epoch, compile_step=compile_step, on_epoch=on_epoch
        )
    else:
        given = (
            config,
            options.storage,
            study.study_name,
            *options.worker_payload(experiment),
            every_epoch,
            compile_step,
        )
        run_in_processes(
            _confirm_in_process,
            [(*given, planned[worker::workers]) for worker in range(workers)],
            options.scheduler,
            poll=lambda: on_epoch(confirm_state(experiment, study, planned)),
            lost=lambda names: release_holds(study, planned, names),
        )
    _wait_for_others(experiment, study, planned, every_epoch=every_epoch, on_epoch=on_epoch)
    return Confirmation(study, plan.left_out)


def _wait_for_others(
    experiment: Experiment,
    study: Study,
    planned: Sequence[Block],
    *,
    every_epoch: bool,
    on_epoch: Callable[[ConfirmState], None],
) -> None:
    """Wait for the blocks that other commands are training, and train here what they leave."""
    state = confirm_state(experiment, study, planned)
    if state.done < state.total:
        logger.warning(f"another command trains {state.total - state.done} of the {state.total} runs; waiting for it")
        set_up_device(experiment.device)
    with Interruption.handled() as interruption:
        while state.done < state.total:
            time.sleep(_WAIT_SECONDS)
            interruption.check()
            confirm_blocks(experiment, study, planned, every_epoch=every_epoch, on_epoch=on_epoch)
            state = confirm_state(experiment, study, planned)


def _confirm_in_process(
    config: StudyConfig,
    storage: str,
    name: str,
    device: str,
    data: LoadedData | OwnCopy,
    every_epoch: bool,
    compile_step: bool,
    blocks: list[Block],
) -> None:
    experiment = Experiment.in_worker(config, data, device)
    confirm_blocks(
        experiment,
        load_study(reopen_storage(storage), name),
        blocks,
        every_epoch=every_epoch,
        compile_step=compile_step,
    )


def open_finished_searches(storage: BaseStorage, name: str, experiment: Experiment) -> list[Study]:
    """Open the replicates of the search `name`; none if it was not searched.

    Raises:
        InputError: if they were made from another study file or under another plan, or some are missing.
    """
    there = stored_names(storage)
    wanted = study_names(name, experiment.config.search.replicates)
    searches = [load_study(storage, wanted_name) for wanted_name in wanted if wanted_name in there]
    others = [other for other in search_names(there, name) if other not in wanted]
    if others:
        raise InputError(
            f"{name!r} was searched with other replicates ({', '.join(others)}) than the {len(wanted)} asked for here: "
            "give confirm the same --replicates as optimize"
        )
    for study in searches:
        part = StudyPart.of(study)
        require_same_study(part, experiment.config, experiment.data_fingerprint)
        require_same_plan(part, experiment.config)
    if searches and len(searches) < len(wanted):
        raise InputError(
            f"only {len(searches)} of {len(wanted)} replicates of {name!r} have been searched: optimize first"
        )
    return searches


def _compared(config: StudyConfig) -> list[str]:
    return [family for family in config.search.families if not reads_metric(family)]


def _attributes(plan: BlockPlan, searches: list[Study], experiment: Experiment) -> dict[str, Any]:
    return {
        "planned_blocks": len(plan.blocks),
        "entries": _entries(plan.blocks),
        "searches": len(searches),
        "metric": experiment.workload.metric_name,
        "worst_value": experiment.workload.worst_value,
        "failed_at": experiment.workload.failed_at,
        "trials_per_family": _trials_per_family(searches, experiment.config.search.families),
        "left_out": plan.left_out,
        "controls": controls_of(plan.blocks),
        "efforts": {str(trials): stands for trials, stands in plan.efforts.items()},
    }


def _trials_per_family(searches: list[Study], families: tuple[str, ...]) -> int:
    """Return how many finished trials every family had in every search at least."""
    counts = [Counter(record.family for record in records(study) if record.finished) for study in searches]
    return min((count[family] for count in counts for family in families), default=0)


def _entries(planned: Sequence[Block]) -> list[list[dict[str, Any]]]:
    """Return the entries block by block, or once if all blocks have the same."""
    every = [[entry.to_json() for entry in block.entries] for block in planned]
    return every[:1] if all(entries == every[0] for entries in every) else every


def _refuse_other_entries(study: Study, planned: Sequence[Block]) -> None:
    stored, given = study.user_attrs.get("entries"), _entries(planned)
    if stored != given:
        raise InputError(
            f"study {study.study_name!r} confirms other configurations: the search has found other winners since, or "
            "its baselines or its controls were changed. Confirm under another --study-name, or delete it first"
        )
