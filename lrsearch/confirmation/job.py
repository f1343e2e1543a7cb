"""What is confirmed, and the processes that train it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

from optuna.storages import BaseStorage
from optuna.study import Study

from lrsearch.config import StudyConfig
from lrsearch.confirmation.progress import ConfirmProgress
from lrsearch.errors import InputError
from lrsearch.experiment.experiment import Experiment, WorkerPayload
from lrsearch.experiment.options import RunOptions, study_names
from lrsearch.experiment.prepare import prepare_experiment
from lrsearch.experiment.way import with_training_way
from lrsearch.names import confirmation_name, search_names
from lrsearch.processes.launch import run_in_processes
from lrsearch.processes.local import auto_workers
from lrsearch.storage import (
    StudyPart,
    as_stored,
    create_study,
    load_study,
    open_storage,
    reopen_storage,
    require_same_plan,
    require_same_study,
    stored_names,
)
from lrsearch.training.device import set_up_device

logger = logging.getLogger(__name__)

P = TypeVar("P", contravariant=True)
OnEpoch = Callable[[ConfirmProgress], None]


class Task(Protocol[P]):
    """Trains parts of a job, such as blocks, and stores each when it is done; what is stored is not trained again."""

    def __call__(
        self, experiment: Experiment, study: Study, parts: Sequence[P], /, *, storage: str, on_epoch: OnEpoch
    ) -> None:
        """Train the parts in this process."""
        ...


@dataclass(frozen=True, eq=False)
class Job:
    """A study that is confirmed or audited.

    Attributes:
        experiment: what is trained.
        options: how it is run.
        storage: where its studies are kept.
        name: of the study in the storage.
        searches: its finished searches, one a replicate; none where fixed schedules are confirmed.
    """

    experiment: Experiment
    options: RunOptions
    storage: BaseStorage
    name: str
    searches: tuple[Study, ...]

    @classmethod
    def prepare(cls, config: StudyConfig, options: RunOptions) -> Job:
        """Load the workload and look up the searches.

        Raises:
            InputError: if the workload, its data, the device or the storage is unavailable, or the searches were made
                from another study file or are incomplete.
        """
        name = options.study_name or config.name
        config = as_stored(config, options.storage, name)
        experiment = prepare_experiment(config, options)
        options = options.resolved(experiment)
        storage = open_storage(options.storage)
        searches = _finished_searches(storage, name, experiment)
        names = [*(search.study_name for search in searches), confirmation_name(name)]
        candidates = max(1, len(config.search.families if searches else config.baseline))
        experiment = with_training_way(experiment, storage, names, candidates)
        if searches:
            experiment = experiment.continuing(StudyPart.of(searches[0]).metric, way=experiment.way)
        return cls(experiment, options, storage, name, searches)

    @property
    def config(self) -> StudyConfig:
        """The study file."""
        return self.experiment.config

    def create_study(self, name: str, attributes: Mapping[str, Any]) -> Study:
        """Create the study that takes the runs, or open the existing one.

        Raises:
            InputError: if it was made from another study file or other data.
        """
        study = create_study(
            self.storage,
            name,
            self.config,
            metric=self.experiment.metric,
            data_fingerprint=self.experiment.data_fingerprint,
            attributes={**self.experiment.stored_facts, "training_way": self.experiment.way, **attributes},
        )
        if added := StudyPart.of(study).added_by_hand:
            logger.warning(added)
        return study

    def train(
        self,
        task: Task[P],
        study: Study,
        parts: Sequence[P],
        *,
        progress: Callable[[], ConfirmProgress],
        on_epoch: OnEpoch,
        lost: Callable[[frozenset[str]], None] = lambda _: None,
    ) -> None:
        """Train `parts` in this process or divided among several, as the options say.

        Args:
            task: importable in other processes.
            study: that takes the runs.
            parts: what is trained, at least one.
            progress: reads from the storage how far all processes are.
            on_epoch: called with the progress, after every epoch or about once a second.
            lost: called with the names of processes that have died.

        Raises:
            Interrupted: by a signal; the parts that were finished are stored.
        """
        options, way = self.options, StudyPart.of(study).attributes.training_way
        experiment = replace(self.experiment, way=way or self.experiment.way)
        workers = min(options.workers or auto_workers(experiment.device), len(parts))
        if workers == 1 and options.scheduler is None:
            set_up_device(experiment.device)
            task(experiment, study, parts, storage=options.storage, on_epoch=on_epoch)
            return
        given = (task, options.worker_payload(experiment), options.storage, study.study_name)
        run_in_processes(
            _train_in_process,
            [(*given, parts[worker::workers]) for worker in range(workers)],
            options.scheduler,
            poll=lambda: on_epoch(progress()),
            lost=lost,
        )


def _train_in_process(task: Task[P], payload: WorkerPayload, storage: str, name: str, parts: Sequence[P]) -> None:
    study = load_study(reopen_storage(storage), name)
    task(payload.experiment(), study, parts, storage=storage, on_epoch=lambda _: None)


def _finished_searches(storage: BaseStorage, name: str, experiment: Experiment) -> tuple[Study, ...]:
    """Return the replicates of the search `name`; none if it was not searched."""
    stored = stored_names(storage)
    wanted = study_names(name, experiment.config.search.replicates)
    searches = tuple(load_study(storage, wanted_name) for wanted_name in wanted if wanted_name in stored)
    others = [other for other in search_names(stored, name) if other not in wanted]
    if others:
        raise InputError(
            f"{name!r} was searched with other replicates ({', '.join(others)}) than the {len(wanted)} asked for here: "
            "give confirm the same --replicates as optimize"
        )
    for study in searches:
        part = StudyPart.of(study)
        require_same_study(
            part, experiment.config, experiment.data_fingerprint, experiment.facts, experiment.source_digest
        )
        require_same_plan(part, experiment.config)
    if searches and len(searches) < len(wanted):
        raise InputError(
            f"only {len(searches)} of {len(wanted)} replicates of {name!r} have been searched: optimize first"
        )
    return searches
