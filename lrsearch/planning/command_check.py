"""Whether a command reports as the study says, and what a study of it takes."""

from __future__ import annotations

from collections.abc import Iterator

from lrsearch.config import StudyConfig
from lrsearch.errors import RunError
from lrsearch.experiment.experiment import Seeds
from lrsearch.experiment.run_experiment import RunExperiment
from lrsearch.planning.timing import middle_rate, middle_run
from lrsearch.planning.training_check import time_finding
from lrsearch.processes.interruption import Interruption
from lrsearch.storage import Finding
from lrsearch.training.lane import EpochMetrics

_REPORTS = 2


def examine_command(config: StudyConfig) -> Iterator[Finding]:
    """Run the command of a study for two reports in the middle of what is searched, and yield what that shows.

    Raises:
        InputError: if it is not found, or does not do what a run must.
        RunError: if it fails.
    """
    experiment = RunExperiment.prepare(config, at_once=1)
    told, rate = _first_reports(experiment), f"at a constant rate of {middle_rate(experiment):.3g}"
    of = f"in the first {len(told)} of its {experiment.epochs} reports" if experiment.epochs > 1 else "at its end"
    if told[-1].diverged:
        said = f"{experiment.name}: {experiment.metric.name} is NaN or infinite {of}, {rate}"
        yield Finding("command", False, f"{said}; lower [ranges] base_lr, or mend the script")
        return
    scores = " and ".join(f"{metrics.score['select']:.4g}" for metrics in told)
    yield Finding("command", True, f"{experiment.name}: {experiment.metric.name} {scores} {of}, {rate}")
    first, last = (told[place].seconds or 0.0 for place in (0, -1))
    yield time_finding(experiment.epochs, max(0.0, first - last) if len(told) > 1 else 0.0, last)


def _first_reports(experiment: RunExperiment) -> list[EpochMetrics]:
    """Return what the run has reported when it is ended."""
    reports, told = min(_REPORTS, experiment.epochs), list[EpochMetrics]()
    seeds = Seeds.of(experiment.config.seed, "doctor", 0)
    stack = experiment.stack(seeds, rungs=range(1, experiment.epochs))
    try:
        stack.admit(0, middle_run(experiment, seeds))
        with Interruption.handled() as interruption:
            while len(told) < reports and not (told and told[-1].diverged):
                with interruption.training():
                    told += stack.run_epoch().values()
                for crash in stack.crashes().values():
                    raise RunError(f"{experiment.name} fails, twice with the same seeds: {crash.error}")
        stack.release(0)
    finally:
        stack.close()
    return told
