"""A workload: everything about a training problem except its learning rate."""

from __future__ import annotations

import hashlib
import importlib
import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from numbers import Real
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from lrsearch.config.messages import shortened
from lrsearch.config.trust import note_loaded
from lrsearch.errors import InputError
from lrsearch.metric import POINTS, UNITS, Direction, Metric
from lrsearch.passwords import described
from lrsearch.workloads.dataset import Dataset

Augment: TypeAlias = Callable[[Tensor, torch.Generator], Tensor]
"""Stored items `[B, *item]` to as many changed ones, at random by the generator."""


def cross_entropy(outputs: Tensor, y: Tensor) -> Tensor:
    """Return the mean cross-entropy of logits `[B, classes]` against labels `[B]`."""
    return functional.cross_entropy(outputs, y)


def correct(outputs: Tensor, y: Tensor) -> Tensor:
    """Return 1.0 where the largest logit of `[B, classes]` is the label `[B]`, else 0.0; its mean is the accuracy."""
    return (outputs.argmax(-1) == y).to(torch.float32)


def _as_float(x: Tensor) -> Tensor:
    return x.to(torch.get_default_dtype()) if not x.is_floating_point() else x


@dataclass(frozen=True)
class Workload:
    """What is trained: a model factory, its data, its loss and its metric.

    Attributes:
        name: shown in records and reports.
        model: returns a freshly initialised module (drawn from torch's global generator, which lrsearch seeds).
        data: loads the data set; called once per process.
        worst_value: the metric of a model that learned nothing (chance accuracy), which stands for the value of a
            diverged trial. If None, only a run that diverges fails.
        loss: `(outputs[B, ...], y[B]) -> scalar`, the mean over the batch.
        metric: `(outputs[B, ...], y[B]) -> [B]`, a score per example, whose mean is the metric; if `metric_over="set"`
            `(outputs[examples, ...], y[examples]) -> number`, over a whole part of the data, such as an AUC.
        metric_over: "examples" or "set".
        metric_name: how reports call the metric.
        direction: "maximize" or "minimize" the metric.
        unit: of the metric, such as "nats"; "points" for a fraction from 0 to 1 that people read in percentage points.
            If None, the default accuracy is in points and any other metric in the unit of its values.
        batch_size: examples per update.
        evaluation_batch_size: examples that are evaluated at once.
        transform: stored items `[B, *item]` to the model's input, inside the step (uint8 to normalised float): a
            tensor, a dict of the model's arguments by name, or a tuple of them.
        augment: `(items[B, *item], generator) -> items` of the same shape and type, such as crops and flips: changes
            the batches that are fitted, new in every step, by random numbers of the generator; None for none.
        parameter_group: `name -> (rate, decay)`, multiples of the learning rate and of the weight decay for a parameter
            (True and False count as 1 and 0); None for one group.
        failed_at: a confirmed run whose metric is worse has failed; None for a limit derived from `worst_value`.

    Raises:
        InputError: if a field has another type than it should, or a number is out of its range.
    """

    name: str
    model: Callable[[], nn.Module]
    data: Callable[[], Dataset]
    worst_value: float | None = None
    loss: Callable[[Any, Tensor], Tensor] = cross_entropy
    metric: Callable[[Any, Tensor], Any] = correct
    metric_name: str = "accuracy"
    direction: Direction = "maximize"
    unit: str | None = None
    batch_size: int = 128
    transform: Callable[[Tensor], Any] = field(default=_as_float)
    failed_at: float | None = None
    parameter_group: Callable[[str], tuple[float, float]] | None = None
    augment: Augment | None = None
    evaluation_batch_size: int = 1000
    metric_over: Literal["examples", "set"] = "examples"

    def __post_init__(self) -> None:
        rules: list[tuple[str, str, Callable[[Any], bool]]] = [
            *((name, "a text", _is_text) for name in ("name", "metric_name")),
            *((name, "a function", callable) for name in ("model", "data", "loss", "metric", "transform")),
            *(
                (name, "a function or None", lambda value: value is None or callable(value))
                for name in ("parameter_group", "augment")
            ),
            ("metric_over", "examples or set", lambda value: value in ("examples", "set")),
            ("direction", "maximize or minimize", lambda value: value in get_args(Direction)),
            ("unit", "a text or None", lambda value: value is None or _is_text(value)),
            *(
                (name, "a whole number of at least 1", lambda value: type(value) is int and value >= 1)
                for name in ("batch_size", "evaluation_batch_size")
            ),
            *(
                (name, "a finite number or None", lambda value: value is None or _is_finite(value))
                for name in ("worst_value", "failed_at")
            ),
        ]
        for name, rule, passes in rules:
            value = getattr(self, name)
            if not passes(value):
                raise InputError(f"workload {shortened(self.name)}: {name} must be {rule}, got {shortened(value)}")

    @property
    def score(self) -> Metric:
        """What the metric is called, and how people read it."""
        unit = POINTS if self.metric is correct else UNITS
        return Metric(self.metric_name, self.direction, self.unit or unit)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_finite(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def load_workload(address: str, **options: object) -> Workload:
    """Import `package.module:function` and call it for a Workload.

    This runs the module's code: an address that comes from data is checked by `require_trusted` first.

    Args:
        address: where the function is; it must be importable from the working directory or the environment.
        options: keyword arguments for the function (such as `dataset`); none for most workloads of users.

    Raises:
        InputError: if the address is malformed, cannot be imported, or does not return a Workload.
    """
    module_name, colon, function_name = address.partition(":")
    if not colon or not module_name or not function_name:
        raise InputError(f"workload must be written package.module:function, got {address!r}")
    try:
        factory = getattr(importlib.import_module(module_name), function_name)
    except (Exception, SystemExit) as error:  # a user's module may raise anything, and a script ends itself
        raise InputError(f"workload {address!r} cannot be imported: {described(error)}") from error
    try:
        workload = factory(**options)
    except InputError:
        raise
    except (Exception, SystemExit) as error:
        given = options or "no arguments"
        raise InputError(f"workload {address!r} cannot be called with {given}: {described(error)}") from error
    if not isinstance(workload, Workload):
        raise InputError(f"workload {address!r} must return a lrsearch.Workload, got {type(workload).__name__}")
    note_loaded(address)
    return workload


_OF_FILE = "file "
"""How a digest of a whole file begins; earlier versions stored one of the function alone."""


def source_digest(address: str) -> str:
    """Return a digest of the file in which the function stands that an address names; "" where it cannot be read.

    It is the whole file, helpers beside the function included.
    """
    module_name, _, function_name = address.partition(":")
    try:
        function = inspect.unwrap(getattr(importlib.import_module(module_name), function_name))
        return digest_of_files(inspect.getsourcefile(function) or "")
    except TypeError:
        return ""


def digest_of_files(*paths: str) -> str:
    """Return a digest of what files hold; "" where there are none, or one cannot be read."""
    try:
        content = b"".join(Path(path).read_bytes() for path in paths)
    except OSError:
        return ""
    return f"{_OF_FILE}{hashlib.sha256(content).hexdigest()[:16]}" if paths else ""


def load_data(workload: Workload) -> Dataset:
    """Load a workload's data.

    Raises:
        InputError: if it cannot be loaded, or is not a Dataset.
    """
    try:
        dataset = workload.data()
    except InputError:
        raise
    except Exception as error:  # user code may raise anything
        raise InputError(f"workload {workload.name}: its data cannot be loaded: {described(error)}") from error
    if not isinstance(dataset, Dataset):
        raise InputError(f"workload {workload.name}: data must return a lrsearch.Dataset, got {type(dataset).__name__}")
    return dataset
