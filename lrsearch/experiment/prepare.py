"""An experiment from a study file, whichever way it trains."""

from __future__ import annotations

from lrsearch.config import StudyConfig
from lrsearch.experiment.experiment import Experiment
from lrsearch.experiment.run_experiment import RunExperiment
from lrsearch.experiment.workload_experiment import WorkloadExperiment


def prepare_experiment(config: StudyConfig, *, device: str = "auto", at_once: int | None = None) -> Experiment:
    """Load what a study trains.

    Args:
        config: the study.
        device: "auto", "cpu" or "cuda"; runs choose their own.
        at_once: runs at a time; as many as the processor has room for if None.

    Raises:
        InputError: if something that it needs is unavailable, or does not fit together.
    """
    if config.run is not None:
        return RunExperiment.prepare(config, at_once=at_once)
    return WorkloadExperiment.prepare(config, device=device)
