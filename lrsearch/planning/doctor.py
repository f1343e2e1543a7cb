"""What works here: versions, the device, the data, a storage, a workload. Each check is one line with its remedy."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import metadata

from lrsearch.config import StudyConfig
from lrsearch.errors import InputError, RunError
from lrsearch.experiment.experiment import Seeds
from lrsearch.experiment.workload_experiment import WorkloadExperiment
from lrsearch.passwords import described
from lrsearch.planning.command_check import examine_command
from lrsearch.planning.training_check import examine_training
from lrsearch.schedules import make_schedule
from lrsearch.storage import Finding, examine_storage
from lrsearch.training.check import check_independence
from lrsearch.training.device import choose_device, device_label, set_up_device, usable_cores
from lrsearch.training.lane import EpochMetrics
from lrsearch.training.lenet.convolution import kernels_in_words
from lrsearch.training.stack import Stack

_RATE = 1e-3
_EXAMPLES = 8
_LANES = 4
_PACKAGES = ("lrsearch", "torch", "torchvision", "optuna", "optuna-dashboard", "numpy", "scipy")


@dataclass(frozen=True)
class Tried:
    """What of a study is tried.

    Attributes:
        workload: "package.module:function", or None for the built-in one.
        training: a training function, "package.module:function", tried in place of a workload.
        dataset: which data the built-in workload is tried with.
        command: a study that runs a command, which is tried in place of a workload.
        test: whether the study has a test set beside the validation set.
    """

    workload: str | None = None
    training: str | None = None
    dataset: str = "digits"
    command: StudyConfig | None = None
    test: bool = True

    @classmethod
    def of(cls, config: StudyConfig) -> Tried:
        """Return what a study trains."""
        if (run := config.run) is not None:
            return cls(training=run.training, command=None if run.command is None else config, test=run.test)
        built_in = config.data.dataset
        return cls(workload=config.workload) if built_in is None else cls(dataset=built_in)


def examine(tried: Tried, *, storage: str, device: str) -> list[Finding]:
    """Try everything that a study needs.

    Args:
        tried: what is trained.
        storage: an SQLAlchemy address; it is opened, not changed.
        device: "auto", "cpu" or "cuda".
    """
    versions = ", ".join(f"{package} {metadata.version(package)}" for package in _PACKAGES)
    findings = [Finding("versions", True, f"Python {platform.python_version()}, {versions}")]
    attempts: list[tuple[str, Callable[[], Iterable[Finding]]]] = [
        ("device", lambda: [Finding("device", True, _device(device))]),
        ("storage", lambda: examine_storage(storage)),
        _trained(tried, device),
    ]
    for name, attempt in attempts:
        try:
            findings += list(attempt())
        except (InputError, RunError) as error:
            findings.append(Finding(name, False, str(error)))
    return findings


def _trained(tried: Tried, device: str) -> tuple[str, Callable[[], Iterable[Finding]]]:
    """Return the name of what is trained, and what tries it."""
    if (study := tried.command) is not None:
        return "command", lambda: examine_command(study)
    if (training := tried.training) is not None:
        return "training", lambda: examine_training(training, test=tried.test)
    return "workload", lambda: [Finding("workload", True, _workload(tried.workload, tried.dataset, device))]


def _device(device: str) -> str:
    chosen = choose_device(device)
    return f"{device_label(chosen)}, {usable_cores()} processor cores to be used; {kernels_in_words(chosen)}"


def _workload(workload: str | None, dataset: str, device: str) -> str:
    tried = {"data.dataset": dataset} if workload is None else {"workload": workload}
    config = StudyConfig().changed({**tried, "training.epochs": 1})
    experiment = WorkloadExperiment.prepare(config, device=device)
    set_up_device(experiment.device)
    name = experiment.workload.name
    if experiment.data_fingerprint != WorkloadExperiment.prepare(config, device=device).data_fingerprint:
        raise InputError(
            f"{name} has other data the second time it is loaded: give what it draws at random a seed of its own, or "
            "no search could be continued"
        )
    check_independence(
        experiment.workload, experiment.dataset.train_x[:_EXAMPLES], experiment.dataset.train_y[:_EXAMPLES]
    )
    stacks = [_with_a_lane(experiment) for _ in range(2)]
    first, second = (_epoch(experiment, stack) for stack in stacks)
    if first.not_finite:
        raise InputError(
            f"{name}: NaN or infinite after one epoch at the rate {_RATE:g}: {', '.join(first.not_finite)}; every such "
            "trial counts as diverged"
        )
    if first != second:
        raise InputError(
            f"{name} gives another result the second time: its model or data draws random numbers that its seed does "
            "not decide, so no trial could be repeated"
        )
    begun = time.perf_counter()
    _epoch(experiment, stacks[0])  # the first one imports and compiles
    return _how(experiment, time.perf_counter() - begun)


def _how(experiment: WorkloadExperiment, seconds: float) -> str:
    """Return how trials train, and the seconds of an epoch."""
    choice = experiment.choose_way(_LANES)
    how = "side by side" if choice.way == "stacked" else f"one at a time, because {choice.reason}"
    each = ""
    if choice.way == "stacked" and choice.seconds is not None:
        alone, together = choice.seconds
        each = f", {seconds * together / alone:.2g} s for each of {_LANES}"
    name = experiment.workload.name
    return f"{name}: trials train {how}; {seconds:.2g} s for an epoch of one{each}, the same result twice"


def _with_a_lane(experiment: WorkloadExperiment) -> Stack:
    """Return a stack with the lane that is tried."""
    seeds = Seeds.of(0, "doctor", 0)
    schedule = make_schedule("constant", total_steps=2 * experiment.steps_per_epoch, base_lr=_RATE)
    stack = experiment.stack(seeds)
    stack.admit(0, experiment.lane(schedule, seeds))
    return stack


def _epoch(experiment: WorkloadExperiment, stack: Stack) -> EpochMetrics:
    """Train one epoch and evaluate it on all data; return what it left.

    Raises:
        InputError: if the workload's own code fails on some batch.
    """
    try:
        return stack.run_epoch(("select", "report", "test"))[0]
    except InputError:
        raise
    except Exception as error:  # user code may raise anything
        raise InputError(f"{experiment.workload.name} fails within its first epoch: {described(error)}") from error
