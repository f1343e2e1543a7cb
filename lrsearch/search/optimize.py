"""A whole search from one call: open the storage, make the studies, queue what was lost again, search."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Sequence

from optuna.storages import BaseStorage
from optuna.study import Study

from lrsearch.config import StudyConfig
from lrsearch.errors import InputError
from lrsearch.experiment.experiment import Experiment, Seeds, WorkerPayload
from lrsearch.experiment.options import RunOptions, lanes_of, study_names
from lrsearch.experiment.prepare import prepare_experiment
from lrsearch.experiment.way import with_training_way
from lrsearch.processes.launch import run_in_processes
from lrsearch.processes.local import auto_workers
from lrsearch.processes.start_times import StartTimes
from lrsearch.search.callbacks import Callback, FinishedTrials
from lrsearch.search.foresight import foresight
from lrsearch.search.loop import SearchLoop
from lrsearch.search.progress import SearchState, SearchTimes, TrialLengths
from lrsearch.search.replicate import Replicate
from lrsearch.search.sampling import STARTUP_TRIALS, FamilySampler
from lrsearch.storage import StudyPart, as_stored, create_study, load_study, open_storage, reopen_storage
from lrsearch.training.device import peak_memory_mib, set_up_device
from lrsearch.trials.checkpoints import open_checkpoints
from lrsearch.trials.requeue import requeue_crashed, requeue_lost, withdraw_surplus

logger = logging.getLogger(__name__)

OnBegin = Callable[[Experiment, RunOptions, int], None]

_STARTUP_TRIALS_ONCE = 10
"""Those of a study that does not say so: it was made when TPE began with ten random trials in each family."""


def prepare_studies(experiment: Experiment, options: RunOptions, storage: BaseStorage) -> list[Replicate]:
    """Create or open the studies of a search, one a replicate, and queue the trials of dead processes again.

    Raises:
        InputError: if another study has this name.
    """
    config = experiment.config
    names = study_names(options.study_name or config.name, config.search.replicates)
    lanes = lanes_of(options, config.search.trials, experiment.device)
    experiment = with_training_way(experiment, storage, names, lanes)
    replicates = []
    for number, name in enumerate(names):
        study = create_study(
            storage,
            name,
            config,
            metric=experiment.metric,
            data_fingerprint=experiment.data_fingerprint,
            attributes={
                **experiment.stored_facts,
                "replicate": number,
                "split_seed": Seeds.of(config.seed, "search", number).split,
                "space": experiment.space.to_json(),
                "lanes": lanes,
                "training_way": experiment.way,
                "startup_trials": STARTUP_TRIALS,
                "key": uuid.uuid4().hex,  # no other study has it, not even one of this name in this file
            },
        )
        replicates.append(_replicate(experiment, study, number))
        requeue_lost(replicates[-1].history)
        if options.retry_crashed:
            requeue_crashed(replicates[-1].history)
        _tidy(replicates[-1], options)
    return replicates


def open_searches(experiment: Experiment, options: RunOptions, storage: BaseStorage) -> list[Replicate]:
    """Open the studies of a search, which exist."""
    config = experiment.config
    names = study_names(options.study_name or config.name, config.search.replicates)
    return [_replicate(experiment, load_study(storage, name), number) for number, name in enumerate(names)]


def _replicate(experiment: Experiment, study: Study, number: int) -> Replicate:
    """Return a replicate whose study asks a sampler of its own."""
    part = StudyPart.of(study)
    stored = experiment.continuing(part.metric, study.user_attrs.get("space"), part.attributes.training_way)
    replicate = Replicate(stored, study, number)
    study.sampler = FamilySampler(
        replicate.experiment.space,
        kind=experiment.config.search.sampler,
        seed=replicate.seeds.sampler,
        startup_trials=study.user_attrs.get("startup_trials", _STARTUP_TRIALS_ONCE),
    )
    return replicate


def _tidy(replicate: Replicate, options: RunOptions) -> None:
    """Withdraw what is queued twice, and remove the checkpoints of trials that have ended."""
    withdraw_surplus(replicate.history)
    checkpoints = open_checkpoints(replicate.study, replicate.experiment.config, options.storage)
    checkpoints.tidy(replicate.history.unfinished_origins())


def run_search(
    config: StudyConfig,
    options: RunOptions = RunOptions(),
    on_epoch: Callable[[SearchState], None] = lambda _: None,
    callbacks: Sequence[Callback] = (),
    on_begin: OnBegin = lambda _experiment, _options, _left: None,
    on_phase: Callable[[str], None] = lambda _: None,
) -> tuple[list[Study], SearchState]:
    """Search until every replicate has `config.search.trials` finished trials.

    Args:
        config: the study.
        options: how it is run.
        on_epoch: called with the state of the whole search: after every epoch of the stack, or, with several
            processes, about once a second.
        callbacks: each called with the study and the trial, in this process, soon after a trial is finished.
        on_begin: called before anything is trained, with the experiment, the options and how many trials are left.
        on_phase: called with the name of what comes before that and may take a while.

    Returns:
        The studies, one a replicate, and the state at the end.

    Raises:
        InputError: if something given is wrong.
        Interrupted: by a signal; finished trials are stored, running ones are queued for the next run.
    """
    if config.data.train == "all":
        raise InputError('[data] train = "all" leaves the search no validation data: it is for confirm alone')
    deadline = None if options.timeout_seconds is None else time.monotonic() + options.timeout_seconds
    called, start = time.perf_counter(), StartTimes()
    with start.part("storage"):
        config = as_stored(config, options.storage, options.study_name or config.name)
    with start.part("data"):
        experiment = prepare_experiment(config, options)
        _ = experiment.space  # what is wrong with it is said before there is a database
    with start.part("storage"):
        options = options.resolved(experiment)
        replicates = prepare_studies(experiment, options, open_storage(options.storage))
        studies = [replicate.study for replicate in replicates]
        lengths = TrialLengths(experiment.epochs, replicates[0].rule, len(experiment.space.families) * len(studies))
        total = replicates[0].total * len(studies)
        state = SearchState(total, metric=experiment.metric, lengths=lengths, start=start)
        state.begin([replicate.history for replicate in replicates])
    for line in foresight(replicates):
        logger.warning(line)
    if all(replicate.history.finished >= replicate.total for replicate in replicates):
        return studies, state
    for line in experiment.cautions:
        logger.info(f"warning: {line}")
    if options.scheduler is None:  # before there are processes, each of which would compile for itself
        on_phase("kernels: compiled once, then kept")
        with start.part("kernels"):
            _ = experiment.kernels
    with start.part("timing"):
        on_begin(experiment, options, state.total - state.complete - state.pruned)
    with FinishedTrials([replicate.history for replicate in replicates], callbacks) as finished:

        def note_first_epoch() -> None:
            if state.trial_epochs and not start.first_epoch:
                start.first_epoch = time.perf_counter() - called

        def after_epoch(state: SearchState) -> None:
            note_first_epoch()
            on_epoch(state)
            finished.tell()

        search = _search_here if options.workers == 1 and options.scheduler is None else _search_in_workers
        begun = time.monotonic()
        search(experiment, options, replicates, deadline, state, after_epoch)
        state.times.wall = time.monotonic() - begun
        state.read()  # one process alone counts a trial that another has taken from it
        note_first_epoch()  # other processes may end before they are asked once
    for replicate in replicates:
        _tidy(replicate, options)
    return studies, state


def _search_here(
    experiment: Experiment,
    options: RunOptions,
    replicates: Sequence[Replicate],
    deadline: float | None,
    state: SearchState,
    on_epoch: Callable[[SearchState], None],
) -> None:
    """Search the replicates in this process, together or one after the other."""
    set_up_device(experiment.device)
    lanes = lanes_of(options, experiment.config.search.trials, experiment.device)
    loop = SearchLoop(
        replicates,
        state,
        lanes=lanes,
        at_once=options.replicates_at_once or experiment.replicates_at_once(lanes * (options.workers or 1)),
        checkpoints=lambda replicate: open_checkpoints(replicate.study, experiment.config, options.storage),
        deadline=deadline,
        on_epoch=on_epoch,
    )
    loop.run()
    state.times.peak_mib = peak_memory_mib()


def _search_in_workers(
    experiment: Experiment,
    options: RunOptions,
    replicates: Sequence[Replicate],
    deadline: float | None,
    state: SearchState,
    on_epoch: Callable[[SearchState], None],
) -> None:
    """Search in several processes that share the studies; each begins with another replicate."""
    workers = options.workers or auto_workers(experiment.device)

    def poll() -> None:
        state.read()
        on_epoch(state)

    def lost(names: frozenset[str]) -> None:
        for history in (replicate.history for replicate in replicates):
            history.read()
            dead = [trial.number for trial in history.running if trial.user_attrs.get("worker") in names]
            requeue_lost(history, dead)

    payload = options.worker_payload(experiment)
    # Machines agree on the time of day at best; the processes' own clocks begin anywhere.
    ends_at = None if deadline is None else time.time() + deadline - time.monotonic()
    arguments = [(payload, options, ends_at, worker * len(replicates) // workers) for worker in range(workers)]
    times = run_in_processes(_search_in_process, arguments, options.scheduler, poll=poll, lost=lost)
    state.times = SearchTimes.sum(times)


def _search_in_process(payload: WorkerPayload, options: RunOptions, ends_at: float | None, first: int) -> SearchTimes:
    experiment = payload.experiment()
    deadline = None if ends_at is None else time.monotonic() + ends_at - time.time()
    replicates = open_searches(experiment, options, reopen_storage(options.storage))
    state = SearchState(replicates[0].total * len(replicates))
    in_turn = [*replicates[first:], *replicates[:first]]
    _search_here(experiment, options, in_turn, deadline, state, lambda _: None)
    return state.times
