"""An experiment from a study file, whichever way it trains."""

from __future__ import annotations

from lrsearch.config import StudyConfig
from lrsearch.errors import InputError
from lrsearch.experiment.experiment import Experiment
from lrsearch.experiment.options import RunOptions
from lrsearch.experiment.run_experiment import RunExperiment
from lrsearch.experiment.workload_experiment import WorkloadExperiment


def prepare_experiment(config: StudyConfig, options: RunOptions = RunOptions()) -> Experiment:
    """Load what a study trains.

    Raises:
        InputError: if something that it needs is unavailable, or does not fit together.
    """
    if options.runs_per_gpu is not None and (config.run is None or not config.run.gpus):
        raise InputError("--runs-per-gpu needs a study whose runs have GPUs of their own: [run] gpus = 1")
    if config.run is not None:
        return RunExperiment.prepare(config, at_once=options.workers, runs_per_gpu=options.runs_per_gpu or 1)
    return WorkloadExperiment.prepare(config, device=options.device)
