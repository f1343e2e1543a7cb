"""A whole search from one call: open the storage, make the studies, take back what was lost, search."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence

from optuna.storages import BaseStorage
from optuna.study import Study
from optuna.trial import TrialState

from lrsearch.config import StudyConfig
from lrsearch.errors import InputError
from lrsearch.experiment.experiment import Experiment, LoadedData, OwnCopy, Seeds
from lrsearch.experiment.options import RunOptions, lanes_of, study_names
from lrsearch.processes.launch import run_in_processes
from lrsearch.processes.local import auto_workers
from lrsearch.search.callbacks import Callback, FinishedTrials
from lrsearch.search.loop import SearchLoop
from lrsearch.search.progress import SearchState, SearchTimes
from lrsearch.search.pruning import make_rule
from lrsearch.search.sampling import STARTUP_TRIALS, FamilySampler
from lrsearch.storage import (
    create_study,
    existing_storage,
    load_study,
    open_storage,
    reopen_storage,
    with_stored_sampler,
)
from lrsearch.training.device import peak_memory_mib, set_up_device
from lrsearch.trials.checkpoints import open_checkpoints
from lrsearch.trials.requeue import take_back, unfinished_origins, withdraw_doubled
from lrsearch.trials.states import FINISHED

_STARTUP_TRIALS_ONCE = 10
"""Those of a study that does not say so: it was made when TPE began with ten random trials in each family."""


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
                "startup_trials": STARTUP_TRIALS,
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
        startup = study.user_attrs.get("startup_trials", _STARTUP_TRIALS_ONCE)
        space = experiment.continuing(study.user_attrs.get("space")).space
        study.sampler = FamilySampler(space, kind=config.search.sampler, seed=seed, startup_trials=startup)
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
    config = with_stored_sampler(config, existing_storage(options.storage), options.study_name or config.name)
    experiment = Experiment.prepare(config, device=options.device)
    _ = experiment.space  # what is wrong with it is said before there is a database
    options = options.resolved(experiment.device)
    studies = prepare_studies(experiment, options, open_storage(options.storage))
    experiment = experiment.continuing(studies[0].user_attrs.get("space"))
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

    device, data = options.worker_payload(experiment)
    # Machines agree on the time of day at best; the processes' own clocks begin anywhere.
    ends_at = None if deadline is None else time.time() + deadline - time.monotonic()
    arguments = [
        (experiment.config, options, device, data, ends_at, worker * len(studies) // workers)
        for worker in range(workers)
    ]
    times = run_in_processes(_search_in_process, arguments, options.scheduler, poll=poll, lost=lost)
    state.times = SearchTimes.sum(times)


def _search_in_process(
    config: StudyConfig, options: RunOptions, device: str, data: LoadedData | OwnCopy, ends_at: float | None, first: int
) -> SearchTimes:
    experiment = Experiment.in_worker(config, data, device)
    deadline = None if ends_at is None else time.monotonic() + ends_at - time.time()
    studies = open_searches(experiment, options, reopen_storage(options.storage))
    experiment = experiment.continuing(studies[0].user_attrs.get("space"))
    state = SearchState(config.search.trials * len(studies))
    _search_here(experiment, options, studies, deadline, state, lambda _: None, first)
    return state.times
