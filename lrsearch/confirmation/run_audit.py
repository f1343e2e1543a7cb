"""A whole pruning audit from one call: draw, finish, store, count."""

from __future__ import annotations

import logging
from collections.abc import Callable

from lrsearch.comparison.inference.proportions import PruningAudit
from lrsearch.config import StudyConfig
from lrsearch.confirmation.audit import Batch, audit_state, batches, finish_batches, sample_pruned
from lrsearch.confirmation.blocks import ConfirmState
from lrsearch.confirmation.confirm import open_finished_searches
from lrsearch.errors import InputError
from lrsearch.experiment.experiment import Experiment, LoadedData, OwnCopy
from lrsearch.experiment.options import RunOptions, lanes_of
from lrsearch.names import audit_name
from lrsearch.processes.launch import run_in_processes
from lrsearch.processes.local import auto_workers
from lrsearch.storage import StoredStudy, StudyPart, create_study, load_study, open_storage, reopen_storage
from lrsearch.training.device import set_up_device
from lrsearch.verdict.pruning_audit import audit_result

logger = logging.getLogger(__name__)


def run_audit(
    config: StudyConfig,
    options: RunOptions = RunOptions(),
    *,
    share: float,
    on_epoch: Callable[[ConfirmState], None] = lambda _: None,
) -> PruningAudit:
    """Finish a random share of a search's pruned trials, store them as the study NAME/audit, and count.

    Run again it goes on where it was interrupted, and a larger share adds to a smaller one. The test set is not read.

    Args:
        config: the study, whose search is in the storage.
        options: how it is run.
        share: of the pruned trials, above 0 and at most 1.
        on_epoch: called after every epoch of a batch.

    Raises:
        InputError: if there is no search, nothing was pruned, or the share is out of its rule.
        Interrupted: by a signal; what was finished is stored.
    """
    experiment = Experiment.prepare(config, device=options.device)
    options = options.resolved(experiment.device)
    storage = open_storage(options.storage)
    name = options.study_name or config.name
    searches = open_finished_searches(storage, name, experiment)
    if not searches:
        raise InputError(f"there is nothing to audit: {name!r} has no search in this storage (run optimize first)")
    drawn = sample_pruned(searches, share, config.seed)
    todo = batches(drawn, lanes_of(options, sum(map(len, drawn)), experiment.device))
    audit = create_study(
        storage,
        audit_name(name),
        config,
        direction=experiment.workload.direction,
        metric_name=experiment.workload.metric_name,
        data_fingerprint=experiment.data_fingerprint,
        attributes={"searches": len(searches)},
    )
    if added := StudyPart.of(audit).added_by_hand:
        logger.warning(added)
    workers = min(options.workers or auto_workers(experiment.device), len(todo))
    trial_epochs = sum(map(len, drawn)) * experiment.epochs / workers
    compile_step = experiment.compiles(options.compile_step, trial_epochs)
    if workers == 1 and options.scheduler is None:
        set_up_device(experiment.device)
        finish_batches(experiment, audit, todo, compile_step=compile_step, on_epoch=on_epoch)
    else:
        given = (config, options.storage, audit.study_name, *options.worker_payload(experiment), compile_step)
        run_in_processes(
            _finish_in_process,
            [(*given, todo[worker::workers]) for worker in range(workers)],
            options.scheduler,
            poll=lambda: on_epoch(audit_state(experiment, audit, todo)),
            lost=lambda _: None,
        )
    result = audit_result(StoredStudy.read(storage, name))
    if result is None:
        raise InputError(f"study {audit.study_name!r} holds no finished trial yet: run confirm --audit-pruned again")
    return result


def _finish_in_process(
    config: StudyConfig,
    storage: str,
    name: str,
    device: str,
    data: LoadedData | OwnCopy,
    compile_step: bool,
    todo: list[Batch],
) -> None:
    experiment = Experiment.in_worker(config, data, device)
    finish_batches(experiment, load_study(reopen_storage(storage), name), todo, compile_step=compile_step)
