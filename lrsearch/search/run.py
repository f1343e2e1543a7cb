"""A whole search from one call: open the storage, make the studies, take back what was lost, search."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from optuna.storages import BaseStorage
from optuna.study import Study
from optuna.trial import TrialState

from lrsearch.config import StudyConfig
from lrsearch.errors import InputError
from lrsearch.search.checkpoints import open_checkpoints
from lrsearch.search.cluster import cluster_size, run_in_processes
from lrsearch.search.experiment import Data, Experiment, Seeds
from lrsearch.search.finished import Callback, FinishedTrials
from lrsearch.search.loop import SearchLoop
from lrsearch.search.pruning import make_rule
from lrsearch.search.resume import take_back, unfinished_origins, withdraw_doubled
from lrsearch.search.sampling import FamilySampler
from lrsearch.search.state import FINISHED, SearchState, SearchTimes
from lrsearch.search.workers import auto_workers
from lrsearch.storage import DEFAULT_STORAGE, absolute_address, create_study, load_study, open_storage, reopen_storage
from lrsearch.training.device import peak_memory_mib, set_up_device

_MOST_WORKERS = 1000
_MOST_LANES = {"cuda": 64, "cpu": 8}


@dataclass(frozen=True)
class RunOptions:
    """How a study is run, which does not change what it is.

    Attributes:
        storage: where the study is kept.
        study_name: its name there; the study file's if None.
        device: "auto", "cpu" or "cuda".
        lanes: trials that a process trains side by side, or None to choose.
        workers: processes, or None for one a core (one on a GPU).
        compile_step: "on", "off", or "auto": where it saves more time than it takes.
        timeout_seconds: stop at the first epoch boundary after this long; None for no limit.
        backend: "loky" for processes of this machine, "dask" for those of a Dask scheduler, wherever they are.
        scheduler: the address of that scheduler, such as tcp://127.0.0.1:8786.
    """

    storage: str = field(default=DEFAULT_STORAGE, repr=False)  # its address may hold a password
    study_name: str | None = None
    device: str = "auto"
    lanes: int | None = None
    workers: int | None = None
    compile_step: Literal["auto", "on", "off"] = "auto"
    timeout_seconds: float | None = None
    backend: Literal["loky", "dask"] = "loky"
    scheduler: str | None = None

    def __post_init__(self) -> None:
        if self.lanes is not None and self.lanes < 1:
            raise InputError(f"lanes must be at least 1 (or auto), got {self.lanes}")
        if self.workers is not None and not 1 <= self.workers <= _MOST_WORKERS:
            raise InputError(f"workers must be 1 to {_MOST_WORKERS} (or auto), got {self.workers}")
        if self.timeout_seconds is not None and not self.timeout_seconds > 0:
            raise InputError(f"timeout must be above 0 seconds, got {self.timeout_seconds}")
        if (self.backend == "dask") != (self.scheduler is not None):
            raise InputError(
                f"backend dask and a scheduler (tcp://host:8786) go together, got {self.backend} and {self.scheduler}"
            )

    def resolved(self, device: str) -> RunOptions:
        """Return the same with the number of processes, and with a file's whole path where others are to open it.

        Raises:
            InputError: if there is a scheduler and it cannot be reached or has no processes that will do.
        """
        here = self.scheduler is None
        workers = self.workers or (auto_workers(device) if here else cluster_size(str(self.scheduler)))
        if here and workers == 1:
            return replace(self, workers=workers)
        # Processes of this machine too may be in another folder: they are kept from one run to the next.
        return replace(self, workers=workers, storage=absolute_address(self.storage))

    def handed_on(self, experiment: Experiment) -> tuple[str, Data]:
        """Return the device and the data of the processes: here what this one has, elsewhere each machine's own."""
        if self.scheduler is None:
            return experiment.device, experiment.dataset.arrays()
        return self.device, experiment.data_fingerprint


def lanes_of(options: RunOptions, trials: int, device: str) -> int:
    """Return how many trials one process trains side by side: as asked for, or chosen.

    All processes together have a quarter of the search in flight at most, or TPE would search at random. A GPU gains
    most from the first 64 lanes; a processor gains little beyond a few, and memory grows with every one.
    """
    workers = options.workers or auto_workers(device)
    return options.lanes or max(1, min(_MOST_LANES[device], trials // 4) // workers)


def study_names(name: str, replicates: int) -> list[str]:
    """Return the names of a search's studies: NAME itself, or NAME/search-00 ... with several replicates."""
    return [name] if replicates == 1 else [f"{name}/search-{replicate:02d}" for replicate in range(replicates)]


def prepare_studies(experiment: Experiment, options: RunOptions, storage: BaseStorage) -> list[Study]:
    """Create or open the studies of a search, one a replicate, and queue the trials of dead processes again.

    Raises:
        InputError: if a study of this name is there and is another one.
    """
    config = experiment.config
    for replicate, name in enumerate(study_names(options.study_name or config.name, config.search.replicates)):
        study = create_study(
            storage,
            name,
            config,
            direction=experiment.workload.direction,
            metric_name=experiment.workload.metric_name,
            data_fingerprint=experiment.data_fingerprint,
            attributes={
                "replicate": replicate,
                "split_seed": Seeds.of(config.seed, "search", replicate).split,
                "space": experiment.space.to_json(),
                "lanes": lanes_of(options, config.search.trials, experiment.device),
                "key": uuid.uuid4().hex,  # no other study has it, not even one of this name in this file
            },
        )
        take_back(study)
        withdraw_doubled(study)
        open_checkpoints(study, config, options.storage).tidy(unfinished_origins(study))
    return open_searches(experiment, options, storage)


def open_searches(experiment: Experiment, options: RunOptions, storage: BaseStorage) -> list[Study]:
    """Open the studies of a search, which are there, each with its own sampler."""
    config = experiment.config
    names = study_names(options.study_name or config.name, config.search.replicates)
    studies = [load_study(storage, name) for name in names]
    for replicate, study in enumerate(studies):
        seed = Seeds.of(config.seed, "search", replicate).sampler
        study.sampler = FamilySampler(experiment.space, kind=config.search.sampler, seed=seed)
    return studies


def run_search(
    config: StudyConfig,
    options: RunOptions = RunOptions(),
    on_epoch: Callable[[SearchState], None] = lambda _: None,
    callbacks: Sequence[Callback] = (),
) -> tuple[list[Study], SearchState]:
    """Search until every replicate has `config.search.trials` finished trials.

    Args:
        config: the study.
        options: how it is run.
        on_epoch: called with the state of the whole search: after every epoch of the stack, or, with several
            processes, about once a second.
        callbacks: each called with the study and the trial, in this process, soon after a trial is finished.

    Returns:
        The studies, one a replicate, and the state at the end.

    Raises:
        InputError: if something given is wrong.
        Interrupted: by a signal; finished trials are stored, running ones are queued for the next run.
    """
    if config.data.train == "all":
        raise InputError('[data] train = "all" leaves the search nothing to select by: it is for confirm alone')
    deadline = None if options.timeout_seconds is None else time.monotonic() + options.timeout_seconds
    experiment = Experiment.prepare(config, device=options.device)
    _ = experiment.space  # what is wrong with it is said before there is a database
    options = options.resolved(experiment.device)
    studies = prepare_studies(experiment, options, open_storage(options.storage))
    state = SearchState(config.search.trials * len(studies), maximize=experiment.workload.direction == "maximize")
    state.begin(studies)
    if state.complete + state.pruned >= state.total:
        return studies, state
    with FinishedTrials(studies, callbacks) as finished:

        def after_epoch(state: SearchState) -> None:
            on_epoch(state)
            finished.tell()

        if options.workers == 1 and options.scheduler is None:
            _search_here(experiment, options, studies, deadline, state, after_epoch)
        else:
            _search_in_workers(experiment, options, studies, deadline, state, after_epoch)
        state.read(studies)  # one process alone counts a trial that another has taken from it
    for study in studies:
        withdraw_doubled(study)
        open_checkpoints(study, config, options.storage).tidy(unfinished_origins(study))
    return studies, state


def _search_here(
    experiment: Experiment,
    options: RunOptions,
    studies: list[Study],
    deadline: float | None,
    state: SearchState,
    on_epoch: Callable[[SearchState], None],
    first: int = 0,
) -> None:
    """Search one study after the other in this process, beginning with the study `first`."""
    set_up_device(experiment.device)
    config = experiment.config
    workers = options.workers or auto_workers(experiment.device)
    # What earlier runs have finished is not trained again, and does not pay for compiling.
    left = [config.search.trials - len(study.get_trials(deepcopy=False, states=FINISHED)) for study in studies]
    trial_epochs = sum(max(0, trials) for trials in left) * config.training.epochs / workers
    for replicate in (*range(first, len(studies)), *range(first)):
        if deadline is not None and time.monotonic() > deadline:
            break
        loop = SearchLoop(
            experiment=experiment,
            study=studies[replicate],
            seeds=Seeds.of(config.seed, "search", replicate),
            total=config.search.trials,
            lanes=lanes_of(options, config.search.trials, experiment.device),
            rule=make_rule(config.search.pruner, experiment.epochs),
            compile_step=experiment.compiles(options.compile_step, trial_epochs),
            deadline=deadline,
            state=state,
            checkpoints=open_checkpoints(studies[replicate], config, options.storage),
            on_epoch=on_epoch,
        )
        loop.run()
    state.times.peak_mib = peak_memory_mib()


def _search_in_workers(
    experiment: Experiment,
    options: RunOptions,
    studies: list[Study],
    deadline: float | None,
    state: SearchState,
    on_epoch: Callable[[SearchState], None],
) -> None:
    """Search in several processes that share the studies; each begins with another replicate."""
    workers = options.workers or auto_workers(experiment.device)

    def poll() -> None:
        state.read(studies)
        on_epoch(state)

    def lost(names: frozenset[str]) -> None:
        for study in studies:
            running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
            take_back(study, [trial.number for trial in running if trial.user_attrs.get("worker") in names])

    device, data = options.handed_on(experiment)
    # Machines agree on the time of day at best; the processes' own clocks begin anywhere.
    ends_at = None if deadline is None else time.time() + deadline - time.monotonic()
    arguments = [
        (experiment.config, options, device, data, ends_at, worker * len(studies) // workers)
        for worker in range(workers)
    ]
    times = run_in_processes(_search_in_process, arguments, options.scheduler, poll=poll, lost=lost)
    state.times = SearchTimes.sum(times)


def _search_in_process(
    config: StudyConfig, options: RunOptions, device: str, data: Data, ends_at: float | None, first: int
) -> SearchTimes:
    experiment = Experiment.of_data(config, data, device)
    deadline = None if ends_at is None else time.monotonic() + ends_at - time.time()
    studies = open_searches(experiment, options, reopen_storage(options.storage))
    state = SearchState(config.search.trials * len(studies))
    _search_here(experiment, options, studies, deadline, state, lambda _: None, first)
    return state.times
