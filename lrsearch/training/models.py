"""Which stack trains a workload."""

from __future__ import annotations

import torch
from torch import Tensor

from lrsearch.training.data import TrainingData
from lrsearch.training.lenet.convolution import kernels_on
from lrsearch.training.lenet.lenet_stack import LenetStack
from lrsearch.training.model import StackedModel
from lrsearch.training.module_stack import ModuleStack
from lrsearch.training.optimizers import UpdateRule
from lrsearch.training.stack import Stack
from lrsearch.workloads import Dataset, Split, Workload
from lrsearch.workloads.fashion_lenet import lenet, normalise
from lrsearch.workloads.workload import cross_entropy

_PROBE_EXAMPLES = 4


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


def build_stack(
    workload: Workload,
    dataset: Dataset,
    split: Split,
    rule: UpdateRule,
    *,
    device: str,
) -> Stack:
    """Return an empty stack, its first step taken where kernels are compiled for it: that is preparation.

    Args:
        workload: what is trained.
        dataset: its data.
        split: of the training examples.
        rule: the optimizer.
        device: "cpu" or "cuda".
    """
    data = TrainingData.build(dataset, split, device=device)
    x, y = data.fit.x[:_PROBE_EXAMPLES], data.fit.y[:_PROBE_EXAMPLES]
    model = make_model(workload, x, y, device=device, dtype=torch.float32)
    if device != "cpu" or isinstance(model, LenetStack):
        batch = data.fit.take(data.fit.index[: workload.batch_size].unsqueeze(0))
        params = model.init(0).to(x.device).unsqueeze(0)
        model.loss_and_grad(params, *batch)
        model.predict(params, batch[0])
    return Stack(model, workload, data, rule, batch_size=workload.batch_size)


def kernels_of(workload: Workload, x: Tensor, device: str) -> str:
    """Return the name of what computes a workload's steps; runs are equal to the bit where it is the same.

    Args:
        workload: what is trained.
        x: its stored examples.
        device: "cpu" or "cuda".
    """
    return kernels_on(device, torch.float32) if is_fast_lenet(workload, x) else "torch"


def is_fast_lenet(workload: Workload, x: Tensor) -> bool:
    """Return whether the LeNet stack computes this workload on items `x[examples, *item]`."""
    ours = workload.model is lenet and workload.transform is normalise and workload.loss is cross_entropy
    return ours and x.shape[1:] == (1, 28, 28)
