"""A whole search from one call: open the storage, make the studies, take back what was lost, search."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from optuna.storages import BaseStorage
from optuna.study import Study

from lrsearch.config import StudyConfig
from lrsearch.errors import InputError
from lrsearch.search.experiment import Experiment, Seeds
from lrsearch.search.loop import SearchLoop, SearchState, count_finished
from lrsearch.search.pruning import make_rule
from lrsearch.search.resume import take_back
from lrsearch.search.sampling import FamilySampler
from lrsearch.storage import DEFAULT_STORAGE, create_study, open_storage

_MOST_LANES = {"cuda": 32, "cpu": 8}


@dataclass(frozen=True)
class RunOptions:
    """How a study is run, which does not change what it is.

    Attributes:
        storage: where the study is kept.
        study_name: its name there; the study file's if None.
        device: "auto", "cpu" or "cuda".
        lanes: trials trained side by side, or None to choose.
        timeout_seconds: stop at the first epoch boundary after this long; None for no limit.
    """

    storage: str = DEFAULT_STORAGE
    study_name: str | None = None
    device: str = "auto"
    lanes: int | None = None
    timeout_seconds: float | None = None

    def __post_init__(self) -> None:
        if self.lanes is not None and self.lanes < 1:
            raise InputError(f"lanes must be at least 1 (or auto), got {self.lanes}")
        if self.timeout_seconds is not None and self.timeout_seconds <= 0:
            raise InputError(f"timeout must be above 0 seconds, got {self.timeout_seconds}")


def auto_lanes(trials: int, device: str) -> int:
    """Return how many trials to train side by side: a quarter of the search at most, or TPE searches at random.

    A GPU gains from up to 32; a processor gains little beyond a few, and memory grows with every one.
    """
    return max(1, min(_MOST_LANES[device], trials // 4))


def study_names(name: str, replicates: int) -> list[str]:
    """Return the names of a search's studies: NAME itself, or NAME/search-00 ... with several replicates."""
    return [name] if replicates == 1 else [f"{name}/search-{replicate:02d}" for replicate in range(replicates)]


def prepare_studies(experiment: Experiment, options: RunOptions, storage: BaseStorage) -> list[Study]:
    """Create or open the studies of a search, one a replicate, and queue the trials of dead processes again.

    Raises:
        InputError: if a study of this name is there and is another one.
    """
    config = experiment.config
    trials = config.search.trials
    studies = []
    for replicate, name in enumerate(study_names(options.study_name or config.name, config.search.replicates)):
        seeds = Seeds.of(config.seed, "search", replicate)
        study = create_study(
            storage,
            name,
            config,
            direction=experiment.workload.direction,
            data_fingerprint=experiment.data_fingerprint,
            attributes={
                "replicate": replicate,
                "split_seed": seeds.split,
                "space": experiment.space.to_json(),
                "lanes": options.lanes or auto_lanes(trials, experiment.device),
            },
        )
        study.sampler = FamilySampler(experiment.space, kind=config.search.sampler, seed=seeds.sampler)
        take_back(study)
        studies.append(study)
    return studies


def run_search(
    config: StudyConfig,
    options: RunOptions = RunOptions(),
    on_epoch: Callable[[SearchState], None] = lambda _: None,
) -> tuple[list[Study], SearchState]:
    """Search until every replicate has `config.search.trials` finished trials.

    Args:
        config: the study.
        options: how it is run.
        on_epoch: called with the state of the whole search after every epoch of the stack.

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
    studies = prepare_studies(experiment, options, open_storage(options.storage))
    trials = config.search.trials
    state = SearchState(trials * len(studies), maximize=experiment.workload.direction == "maximize")
    for study in studies:
        count_finished(study, state)
    for replicate, study in enumerate(studies):
        loop = SearchLoop(
            experiment=experiment,
            study=study,
            seeds=Seeds.of(config.seed, "search", replicate),
            total=trials,
            lanes=options.lanes or auto_lanes(trials, experiment.device),
            rule=make_rule(config.search.pruner, experiment.epochs),
            deadline=deadline,
            state=state,
            on_epoch=on_epoch,
        )
        loop.run()
        if deadline is not None and time.monotonic() > deadline:
            break
    return studies, state
