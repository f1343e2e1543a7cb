"""Whether a training function repeats, uses its seeds and its schedule, and resumes; and what a study takes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from lrsearch.planning.measure import Measured, measure, trial_spec, varied
from lrsearch.planning.trial_run import Trial, try_run
from lrsearch.runs.reports import NO_TEST_SET
from lrsearch.storage import Finding
from lrsearch.text import counted, time_in_words
from lrsearch.training.device import usable_cores

_SEEDS = {"init": "the initial weights", "order": "the order of the data", "split": "the split of the data"}
_FAMILIES, _TRIALS, _BLOCKS = 4, 8, 12


def examine_training(training: str, *, test: bool = True) -> Iterator[Finding]:
    """Run a training function for two reports, several times, and yield what that shows.

    Args:
        training: its address, "package.module:function".
        test: whether it has a test set beside the validation set.

    Raises:
        InputError: if it cannot be imported, never reports, or does not step its scheduler with its optimizer.
        RunError: if it fails.
    """
    measured = measure(training)
    if len(measured.trial.scores) < 2:
        yield Finding(
            "training", False, f"{training} reports once in a run: nothing can be pruned, and its time is not known"
        )
    with TemporaryDirectory(prefix="lrsearch-trial-") as folder:
        first, again = (_try(measured, folder, name) for name in ("first", "again"))
        seeds = {seed: _try(measured, folder, seed, seed=seed) for seed in _SEEDS}
        resumed = _try(measured, folder, "first")
    yield Finding(
        "training", True, f"{training}: scores {_numbers(first.scores)} after updates {_numbers(first.updates)}"
    )
    yield _repeats(first, again)
    yield from _uses_seeds(first, again, seeds)
    yield _uses_schedule(measured, first)
    yield _asks_set(first, test=test)
    yield _resumes(first, again, resumed)
    yield time_finding(measured.reports, first.start_seconds, first.report_seconds)


def _try(measured: Measured, folder: str, name: str, *, seed: str | None = None) -> Trial:
    place = Path(folder, name)
    place.mkdir(exist_ok=True)
    spec = trial_spec(measured.training, place, total_steps=measured.total_steps, reports=measured.reports)
    return try_run(spec if seed is None else varied(spec, seed))


def _spread(one: Trial, other: Trial) -> float:
    """Return how far the scores of two runs are apart at most."""
    return max((abs(a - b) for a, b in zip(one.scores, other.scores, strict=False)), default=math.nan)


def _repeats(first: Trial, again: Trial) -> Finding:
    spread = _spread(first, again)
    if spread == 0:
        return Finding("repeats", True, "equal seeds give equal scores, to the bit")
    return Finding(
        "repeats",
        True,
        f"equal seeds give scores that differ by up to {spread:.3g} (GPU kernels, or a random source without a seed): "
        "a trial cannot be repeated exactly, and that much of every difference is noise",
    )


def _uses_seeds(first: Trial, again: Trial, seeds: dict[str, Trial]) -> Iterator[Finding]:
    noise = _spread(first, again)
    changes = {seed: _spread(first, trial) for seed, trial in seeds.items()}
    used = [seed for seed, change in changes.items() if change > noise]
    if not used:
        yield Finding(
            "seeds",
            False,
            "no seed changes the score by more than equal seeds do: the function ignores run.seeds, and every "
            "difference between schedules would look certain; seed it with run.seeds.init and run.seeds.order",
        )
        return
    for seed, of in _SEEDS.items():
        if seed in used:
            yield Finding(f"run.seeds.{seed}", True, f"changes the score by {changes[seed]:.3g}")
        else:
            detail = (
                f"changes no score within two reports: {of} is the same in every block, unless there is none, or "
                f"{' or '.join(f'run.seeds.{name}' for name in used)} decides it too, as torch.manual_seed does"
            )
            yield Finding(f"run.seeds.{seed}", True, detail)


def _uses_schedule(measured: Measured, trial: Trial) -> Finding:
    steps = f"{trial.optimizer_steps} optimizer steps and {trial.scheduler_steps} scheduler steps"
    if not trial.optimizer:
        said = (
            f"rates were asked for up to update {trial.scheduler_steps - 1}; whether the optimizer has them is not seen"
        )
        return Finding("schedule", True, said)
    if trial.wrong_rate is not None:
        step, used, meant = trial.wrong_rate
        said = f"in update {step} the optimizer had the rate {used:.6g}, and lr({step}) is {meant:.6g} ({steps}): "
        return Finding(
            "schedule",
            False,
            f"{said}step run.scheduler(optimizer) once after every optimizer step, and set no other rate",
        )
    origin = "measured" if measured.counted else "as the study says"
    length = f"{counted(measured.total_steps, 'update')} a run, {origin}"
    return Finding(
        "schedule",
        True,
        f"the optimizer had the rates of lr(step); {steps} until report {len(trial.scores)}; {length}",
    )


def _asks_set(trial: Trial, *, test: bool) -> Finding:
    asks = "it asks on which data a report is to be measured" if trial.asks_set else NO_TEST_SET
    return Finding("run.evaluation_set", True, asks if test else "there is no test set, as the study says")


def _resumes(first: Trial, again: Trial, resumed: Trial) -> Finding:
    if resumed.resumed is None:
        return Finding(
            "resume",
            True,
            "it has kept no checkpoint by its second report, without which a run that is killed starts over; "
            "run.epochs(model=model, optimizer=optimizer, scheduler=scheduler) keeps one",
        )
    before = len(resumed.resumed)
    after = list(zip(first.scores[before:], resumed.scores, strict=False))
    apart = max((abs(one - other) for one, other in after), default=0.0)
    if apart > _spread(first, again):
        said = (
            "something is missing among what run.epochs(...) is given, such as a generator, or gradients were waiting "
            "for their update"
        )
        return Finding("resume", False, f"after a kill it goes on to another score ({apart:.3g} away): {said}")
    return Finding("resume", True, "after a kill it goes on from its checkpoint to the same score")


def time_finding(reports: int, start_seconds: float, report_seconds: float) -> Finding:
    """Return what a run and a study take, where a run reports so often, and each report takes so long."""
    seconds = start_seconds + reports * report_seconds
    runs, at_once = _FAMILIES * (_TRIALS + _BLOCKS), usable_cores()
    each = f"a run of {counted(reports, 'report')} takes about {time_in_words(seconds)}"
    start = f"{time_in_words(start_seconds)} of it before the first update"
    study = f"{_FAMILIES} families x ({_TRIALS} trials + {_BLOCKS} seeds) are {runs} runs"
    takes = f"about {time_in_words(runs * seconds / at_once)} with {at_once} at a time"
    return Finding("time", True, f"{each}, {start}; {study}: {takes} (lrsearch plan calculates it for a study file)")


def _numbers(numbers: tuple[float, ...]) -> str:
    return " and ".join(f"{number:.4g}" for number in numbers)
