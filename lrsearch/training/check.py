"""Whether a workload can be trained: its parts are tried on a few of its examples."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from math import prod
from typing import Any

import torch
from torch import Tensor

from lrsearch.errors import InputError
from lrsearch.training.parameter_groups import column_factors
from lrsearch.workloads import Workload
from lrsearch.workloads.workload import correct

_TOLERANCE = {"rtol": 1e-3, "atol": 1e-5}
"""Beyond rounding: a matrix product of one row may differ from that of several in its last digits."""


def check_workload(workload: Workload, x: Tensor, y: Tensor) -> None:
    """Run a workload's module once on examples `x[B, *item]`, `y[B]`.

    Raises:
        InputError: if its transform, model, loss, metric or parameter groups fail on them or are something else than
            they should.
    """
    name = f"workload {workload.name}"

    def tried(part: str, function: Callable[..., Any], *arguments: Tensor, shape: tuple[int, ...] | None = None) -> Any:
        try:
            value = function(*arguments)
        except Exception as error:  # user code may raise anything
            raise InputError(f"{name}: its {part} fails on a batch {tuple(x.shape)}: {error}") from error
        if not isinstance(value, Tensor):
            advice = ": return one tensor, such as a ModelOutput's logits" if part == "model" else ""
            raise InputError(f"{name}: its {part} must return a tensor, got {type(value).__name__}{advice}")
        if shape not in (None, tuple(value.shape)):
            given = tuple(value.shape)
            raise InputError(f"{name}: its {part} must return the shape {shape} for a batch of {len(x)}, got {given}")
        return value

    with torch.random.fork_rng(devices=[]), torch.no_grad():
        inputs = tried("transform", workload.transform, x)
        outputs = tried("model", lambda: workload.model().eval()(inputs))
        if workload.metric is correct and outputs.shape[-1:] == (1,):
            raise InputError(
                f"{name}: the default accuracy needs an output for each class, got {tuple(outputs.shape)}, of which "
                "class 0 is always the largest: return two logits, or give a metric of your own"
            )
        tried("loss", workload.loss, outputs, y, shape=())
        tried("metric", workload.metric, outputs, y, shape=(len(x),))
    column_factors(workload, None, device="cpu", dtype=torch.float32)


def parameter_summary(workload: Workload) -> str:
    """Return how many parameters a workload's model has, with a digest of their names and shapes."""
    with torch.random.fork_rng(devices=[]):
        shapes = [(name, tuple(value.shape)) for name, value in workload.model().named_parameters()]
    digest = hashlib.sha256(repr(shapes).encode()).hexdigest()[:8]
    return f"{len(shapes)} tensors of {sum(prod(shape) for _, shape in shapes)} numbers ({digest})"


def check_independence(workload: Workload, x: Tensor, y: Tensor) -> None:
    """Score examples `x[B, *item]`, `y[B]` one at a time and together.

    Raises:
        InputError: if an example's score depends on the others: scores of examples could not be compared or averaged;
            or if the workload's own code fails.
    """
    try:
        _check_independence(workload, x, y)
    except InputError:
        raise
    except Exception as error:  # user code may raise anything
        raise InputError(
            f"workload {workload.name} fails on single examples: {type(error).__name__}: {error}"
        ) from error


def _check_independence(workload: Workload, x: Tensor, y: Tensor) -> None:
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        module = workload.model().eval()
        outputs = module(workload.transform(x))
        together = workload.metric(outputs, y)
        for i in range(len(x)):
            one = slice(i, i + 1)
            alone = {
                "metric": workload.metric(outputs[one], y[one]),
                "transform or model": workload.metric(module(workload.transform(x[one])), y[one]),
            }
            for part, score in alone.items():
                if not torch.allclose(score, together[one], **_TOLERANCE, equal_nan=True):
                    raise InputError(
                        f"workload {workload.name}: an example's score is {score.item():.6g} alone and "
                        f"{together[i].item():.6g} among {len(x)}: its {part} must treat each example by itself"
                    )
