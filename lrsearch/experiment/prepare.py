"""An experiment from a study file, whichever way it trains."""

from __future__ import annotations

from lrsearch.config import StudyConfig
from lrsearch.errors import InputError
from lrsearch.experiment.experiment import Experiment
from lrsearch.experiment.run_experiment import RunExperiment
from lrsearch.experiment.workload_experiment import WorkloadExperiment


def prepare_experiment(
    config: StudyConfig, *, device: str = "auto", at_once: int | None = None, runs_per_gpu: int | None = None
) -> Experiment:
    """Load what a study trains.

    Args:
        config: the study.
        device: "auto", "cpu" or "cuda"; runs choose their own.
        at_once: runs at a time; as many as the processor, and the GPUs, have room for if None.
        runs_per_gpu: how many runs share a GPU, where runs have GPUs of their own; 1 if None.

    Raises:
        InputError: if something that it needs is unavailable, or does not fit together.
    """
    if runs_per_gpu is not None and (config.run is None or not config.run.gpus):
        raise InputError("--runs-per-gpu needs a study whose runs have GPUs of their own: [run] gpus = 1")
    if config.run is not None:
        return RunExperiment.prepare(config, at_once=at_once, runs_per_gpu=runs_per_gpu or 1)
    return WorkloadExperiment.prepare(config, device=device)
