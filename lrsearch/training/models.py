"""Which model trains a workload, and the stack that it trains in."""

from __future__ import annotations

import torch
from torch import Tensor

from lrsearch.training.data import TrainingData
from lrsearch.training.lenet.convolution import kernels_on
from lrsearch.training.lenet.lenet_stack import LenetStack
from lrsearch.training.model import StackedModel, Way
from lrsearch.training.modules.layout import ModuleLayout
from lrsearch.training.modules.plain import PlainModule
from lrsearch.training.modules.stacked import StackedModule
from lrsearch.training.optimizers.rule import UpdateRule
from lrsearch.training.stack import Stack
from lrsearch.workloads import Dataset, Split, Workload
from lrsearch.workloads.fashion_lenet import lenet, normalise
from lrsearch.workloads.workload import cross_entropy

PROBE_EXAMPLES = 4
"""On how many examples a module is tried out."""


def make_model(
    workload: Workload, x: Tensor, y: Tensor, *, device: str, dtype: torch.dtype, way: Way = "plain"
) -> StackedModel:
    """Return what computes the steps of a workload.

    Args:
        workload: what is trained.
        x, y: a few of its examples, on which a module is tried out.
        device: where it runs.
        dtype: of its parameters.
        way: "stacked" for lanes side by side, "plain" for one at a time; the built-in LeNet has kernels of its own.
    """
    if is_fast_lenet(workload, x, device):
        return LenetStack(dtype)
    layout = ModuleLayout(workload, x, y, device=device, dtype=dtype)
    return StackedModule(layout) if way == "stacked" else PlainModule(layout)


def build_stack(
    workload: Workload, dataset: Dataset, split: Split, rule: UpdateRule, *, device: str, way: Way = "plain"
) -> Stack:
    """Return an empty stack, its first step taken where kernels are compiled for it: that is preparation.

    Args:
        workload: what is trained.
        dataset: its data.
        split: of the training examples.
        rule: the optimizer.
        device: "cpu" or "cuda".
        way: "stacked" or "plain", as in `make_model`.
    """
    data = TrainingData.build(dataset, split, device=device)
    x, y = data.fit.x[:PROBE_EXAMPLES], data.fit.y[:PROBE_EXAMPLES]
    model = make_model(workload, x, y, device=device, dtype=torch.float32, way=way)
    if isinstance(model, LenetStack):
        batch = data.fit.take(data.fit.index[: workload.batch_size].unsqueeze(0))
        params = model.init(0).to(x.device).unsqueeze(0)
        model.loss_and_grad(params, *batch)
        model.predict(params, batch[0])
    return Stack(model, workload, data, rule, batch_size=workload.batch_size)


def kernels_of(workload: Workload, x: Tensor, device: str, way: Way = "plain") -> str:
    """Return the name of what computes a workload's steps; runs are equal to the bit where it is the same.

    Args:
        workload: what is trained.
        x: its stored examples.
        device: "cpu" or "cuda".
        way: "stacked" or "plain".
    """
    if is_fast_lenet(workload, x, device):
        return kernels_on(device, torch.float32)
    return "torch, side by side" if way == "stacked" else "torch"


def is_fast_lenet(workload: Workload, x: Tensor, device: str) -> bool:
    """Return whether the LeNet stack computes this workload on items `x[examples, *item]`."""
    ours = workload.model is lenet and workload.transform is normalise and workload.loss is cross_entropy
    # On a GPU random numbers are drawn for one lane at a time.
    return ours and x.shape[1:] == (1, 28, 28) and not (device == "cuda" and workload.augment is not None)
