"""What a search will cost, said before it begins."""

from __future__ import annotations

from lrsearch.experiment.experiment import Experiment
from lrsearch.experiment.options import RunOptions
from lrsearch.planning.timing import time_trials
from lrsearch.text import counted, time_in_words


def search_cost(experiment: Experiment, options: RunOptions, left: int) -> str:
    """Return how long the trials that are left take at most; empty where that is not known.

    Trials of a workload are timed by a short epoch. Runs of one's own, which may take hours, are only counted; those of
    a Dask scheduler train elsewhere.

    Args:
        experiment: what is searched.
        options: how it is run.
        left: trials.
    """
    config = experiment.config
    if options.scheduler is not None:
        return ""
    if config.run is not None:
        return (
            f"{counted(left, 'run')} of {counted(config.epochs, 'report')}: how long they take shows once a tenth is "
            "done; lrsearch plan times two reports first"
        )
    try:
        timing = time_trials(experiment, options, config.search.trials)
    except Exception:  # a person's own code may raise anything, and the search will say it
        return ""
    side_by_side, seconds = counted(timing.workers, "process"), timing.seconds(left, config.epochs)
    return (
        f"{counted(left, 'trial')} of {counted(config.epochs, 'epoch')}: about {time_in_words(seconds)} on "
        f"{side_by_side}{'' if config.search.pruner == 'none' else ' at most, as pruned trials end early'}"
    )
