"""Whether a workload can be trained: its parts are tried on a few of its examples."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import torch
from torch import Tensor

from lrsearch.errors import InputError
from lrsearch.passwords import described
from lrsearch.training.evaluation import joined, set_score
from lrsearch.training.modules.layout import model_outputs
from lrsearch.training.optimizers.parameter_groups import column_factors
from lrsearch.workloads import Workload
from lrsearch.workloads.workload import correct

_TOLERANCE = {"rtol": 1e-3, "atol": 1e-5}
"""Beyond rounding: a matrix product of one row may differ from that of several in its last digits."""


def check_workload(workload: Workload, x: Tensor, y: Tensor) -> None:
    """Run a workload's parts once on examples `x[B, *item]`, `y[B]`.

    Raises:
        InputError: if a part fails on them or returns something else than it should.
    """
    name = f"workload {workload.name}"

    def tried(part: str, function: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return function(*arguments)
        except Exception as error:  # user code may raise anything
            made = next((value for value in arguments if not isinstance(value, Tensor | torch.Generator)), None)
            advice = "" if made is None else f"; it is given the {type(made).__name__} that the model returns"
            raise InputError(f"{name}: its {part} fails on a batch {tuple(x.shape)}: {error}{advice}") from error

    def shaped(part: str, value: Any, shape: tuple[int, ...]) -> None:
        if not isinstance(value, Tensor):
            raise InputError(f"{name}: its {part} must return a tensor, got {type(value).__name__}")
        if tuple(value.shape) != shape:
            given = tuple(value.shape)
            raise InputError(f"{name}: its {part} must return the shape {shape} for a batch of {len(x)}, got {given}")

    with torch.random.fork_rng(devices=[]), torch.no_grad():
        if workload.augment is not None:
            changed = tried("augment", workload.augment, x.clone(), torch.Generator().manual_seed(0))
            shaped("augment", changed, tuple(x.shape))
            if changed.dtype != x.dtype:
                raise InputError(
                    f"{name}: its augment must return the type that it is given, {x.dtype}, got {changed.dtype}"
                )
        inputs = tried("transform", workload.transform, x)
        if not isinstance(inputs, Tensor | Mapping | tuple):
            kind = type(inputs).__name__
            raise InputError(f"{name}: its transform must return a tensor, a dict or a tuple of inputs, got {kind}")
        outputs = tried("model", lambda: model_outputs(workload.model().eval(), inputs))
        if isinstance(outputs, Tensor) and workload.metric is correct and outputs.shape[-1:] == (1,):
            raise InputError(
                f"{name}: the default accuracy needs an output for each class, got {tuple(outputs.shape)}, of which "
                "class 0 is always the largest: return two logits, or give a metric of your own"
            )
        shaped("loss", tried("loss", workload.loss, outputs, y), ())
        if workload.metric_over == "examples":
            shaped("metric", tried("metric", workload.metric, outputs, y), (len(x),))
    column_factors(workload, None, device="cpu", dtype=torch.float32)


def check_set_metric(workload: Workload, x: Tensor, y: Tensor) -> None:
    """Score examples `x[examples, *item]`, `y[examples]` by an untrained model, if the metric is over a whole set.

    Raises:
        InputError: if the metric is undefined on these targets, as an AUC is on one class alone.
    """
    if workload.metric_over == "examples":
        return
    try:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            module, size = workload.model().eval(), workload.evaluation_batch_size
            set_score(workload, joined([model_outputs(module, workload.transform(part)) for part in x.split(size)]), y)
    except InputError:
        raise
    except Exception as error:  # user code may raise anything
        raise InputError(
            f"workload {workload.name}: its metric over the whole set fails on {len(y)} examples: {described(error)}"
        ) from error


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
        raise InputError(f"workload {workload.name} fails on single examples: {described(error)}") from error


def _check_independence(workload: Workload, x: Tensor, y: Tensor) -> None:
    if workload.metric_over == "set":
        return
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        module = workload.model().eval()
        outputs = model_outputs(module, workload.transform(x))
        together = workload.metric(outputs, y)
        for i in range(len(x)):
            one = slice(i, i + 1)
            alone = {"metric": workload.metric(outputs[one], y[one])} if isinstance(outputs, Tensor) else {}
            outputs_alone = model_outputs(module, workload.transform(x[one]))
            alone["transform or model"] = workload.metric(outputs_alone, y[one])
            for part, score in alone.items():
                if not torch.allclose(score, together[one], **_TOLERANCE, equal_nan=True):
                    raise InputError(
                        f"workload {workload.name}: an example's score is {score.item():.6g} alone and "
                        f"{together[i].item():.6g} among {len(x)}: its {part} must treat each example by itself"
                    )
