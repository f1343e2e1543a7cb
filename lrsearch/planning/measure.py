"""What a training function is, measured by short trial runs: its length, its own rate, its time. For `init`."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from lrsearch.errors import InputError
from lrsearch.experiment.experiment import Seeds
from lrsearch.planning.trial_run import Trial, try_run
from lrsearch.runs.function import load_training
from lrsearch.runs.spec import RunSeeds, RunSpec
from lrsearch.runs.watched import LEAST_SHARE
from lrsearch.schedules import make_schedule
from lrsearch.text import counted

NOMINAL_RATE = 1.234e-3
"""A base_lr that no script has by itself: an optimizer with another one has its own."""
_ADAM_RATE, _SGD_RATE = 1e-3, 0.1
_NOMINAL_STEPS = 10**6
_COUNTED_STEPS = 1000
_REPORTS = 10
_MOST_REPORTS = 10_000


@dataclass(frozen=True)
class Measured:
    """What the trial runs of a training function have shown.

    Attributes:
        training: its address.
        total_steps: updates of a run.
        reports: of a run.
        counted: whether the function's own loop decides the number of updates, or else the study.
        base_lr: its own rate, or the usual one of its optimizer.
        own_rate: whether it is its own.
        trial: the last of them.
    """

    training: str
    total_steps: int
    reports: int
    counted: bool
    base_lr: float
    own_rate: bool
    trial: Trial

    @property
    def direction(self) -> str:
        """A guess: "maximize" where the score rises from the first report to the last."""
        return "maximize" if self.trial.scores[-1] > self.trial.scores[0] else "minimize"


def measure(training: str) -> Measured:
    """Measure a training function by one short run, or two where the study is to say how long a run is.

    A function that goes through `run.epochs()` is run for two of ten; one with a loop of its own to its end.

    Raises:
        InputError: if it cannot be imported, never reports, or does not step its scheduler with its optimizer.
        RunError: if it fails.
    """
    load_training(training)
    with TemporaryDirectory(prefix="lrsearch-trial-") as folder:
        spec = trial_spec(training, folder, total_steps=_NOMINAL_STEPS, reports=_REPORTS)
        trial = try_run(spec, only_loop=True)
        total_steps = _COUNTED_STEPS
        if trial.loop == "steps":
            trial = try_run(trial_spec(training, folder, total_steps=total_steps, reports=_REPORTS))
        elif trial.loop == "own":
            trial = try_run(spec, reports=_MOST_REPORTS)
    if not trial.scores:
        raise InputError(f"{training}: it never reports: call run.report(score) after each part of the training")
    if not trial.scheduler_steps:
        raise InputError(
            f"{training}: it never uses the schedule: step run.scheduler(optimizer), or set rates by run.lr(step)"
        )
    if trial.optimizer and not LEAST_SHARE * trial.scheduler_steps <= trial.optimizer_steps <= trial.scheduler_steps:
        raise InputError(
            f"{training}: {counted(trial.optimizer_steps, 'optimizer step')} and "
            f"{counted(trial.scheduler_steps, 'scheduler step')} at report {len(trial.scores)}: "
            "step run.scheduler(optimizer) once after every optimizer step, not once an epoch"
        )
    reports = _REPORTS
    if trial.loop == "epochs":
        total_steps = trial.updates[0] * _REPORTS
    elif trial.loop == "own":
        total_steps, reports = trial.scheduler_steps, len(trial.scores)
    usual = _SGD_RATE if trial.optimizer == "SGD" else _ADAM_RATE
    rate = trial.own_rate if trial.own_rate not in (None, NOMINAL_RATE) else None
    return Measured(training, total_steps, reports, trial.loop != "steps", rate or usual, rate is not None, trial)


def trial_spec(training: str, folder: str | Path, *, total_steps: int, reports: int) -> RunSpec:
    """Return a run of a training function at a constant rate, in a folder."""
    seeds = Seeds.of(0, "doctor", 0)
    return RunSpec(
        training=training,
        schedule=make_schedule("constant", total_steps=total_steps, base_lr=NOMINAL_RATE).params(),
        parameters={},
        seeds=RunSeeds(seeds.init, seeds.order, seeds.split),
        total_steps=total_steps,
        reports=reports,
        epochs=reports,
        folder=str(folder),
        path=tuple(sys.path),
        checkpoint_seconds=0.0,
        rungs=tuple(range(1, reports)),
    )


def varied(spec: RunSpec, seed: str) -> RunSpec:
    """Return a run with one of its seeds changed: "init", "order" or "split"."""
    return replace(spec, seeds=replace(spec.seeds, **{seed: getattr(spec.seeds, seed) + 1}))
