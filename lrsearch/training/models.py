"""Which stack trains a workload, and whether the workload is fit to be trained at all."""

from __future__ import annotations

import torch
from torch import Tensor

from lrsearch.errors import InputError
from lrsearch.training.lenet.lenet_stack import LenetStack
from lrsearch.training.model import StackedModel
from lrsearch.training.module_stack import ModuleStack
from lrsearch.workloads import Workload
from lrsearch.workloads.fashion_lenet import lenet, normalise
from lrsearch.workloads.workload import cross_entropy


def make_model(workload: Workload, x: Tensor, y: Tensor, *, device: str, dtype: torch.dtype) -> StackedModel:
    """Return the fastest stack for a workload.

    Args:
        workload: what is trained.
        x, y: a few of its examples, on which a module is tried out.
        device: where the stack runs.
        dtype: of its parameters.
    """
    if is_fast_lenet(workload, x):
        return LenetStack(dtype)
    return ModuleStack(workload, x, y, device=device, dtype=dtype)


def is_fast_lenet(workload: Workload, x: Tensor) -> bool:
    """Return whether the LeNet stack computes this workload on items `x[examples, *item]`."""
    ours = workload.model is lenet and workload.transform is normalise and workload.loss is cross_entropy
    return ours and x.shape[1:] == (1, 28, 28)


def check_workload(workload: Workload, x: Tensor, y: Tensor) -> None:
    """Run a workload's module once on examples `x[B, *item]`, `y[B]`.

    Raises:
        InputError: if its transform, model, loss or metric fails on them or returns another shape than it should.
    """
    stage = "transform"
    try:
        inputs = workload.transform(x)
        stage = "model"
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            outputs = workload.model().eval()(inputs)
            stage = "loss"
            loss = workload.loss(outputs, y)
            stage = "metric"
            score = workload.metric(outputs, y)
    except Exception as error:  # a person's own code may raise anything
        raise InputError(f"workload {workload.name}: its {stage} fails on a batch {tuple(x.shape)}: {error}") from error
    for name, value, shape in (("loss", loss, ()), ("metric", score, (len(x),))):
        if tuple(value.shape) != shape:
            raise InputError(
                f"workload {workload.name}: its {name} must return the shape {shape} for a batch of {len(x)}, "
                f"got {tuple(value.shape)}"
            )
