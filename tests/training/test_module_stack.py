"""Why a module trains one lane at a time."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from lrsearch.training.module_stack import ModuleStack
from lrsearch.workloads import Workload
from lrsearch.workloads.workload import correct
from tests.workload_examples import BATCH, FEATURES, batch_norm, mlp, tabular, tabular_data


class _DataDependent(nn.Module):
    """Scales what it gets by 2, where its mean is positive."""

    def forward(self, x: Tensor) -> Tensor:
        """Choose by a value."""
        return 2 * x if x.mean() > 0 else x


def _frozen() -> nn.Module:
    model = mlp()
    next(model.parameters()).requires_grad_(False)
    return model


def _choosing_metric(outputs: Tensor, y: Tensor) -> Tensor:
    return correct(outputs, y) if outputs.mean() < 1e9 else torch.zeros(len(y))


def _stack(workload: Workload) -> ModuleStack:
    data = tabular_data()
    return ModuleStack(workload, data.train_x[:4], data.train_y[:4])


@pytest.mark.parametrize(
    ("workload", "reason"),
    [
        (batch_norm, "1.running_mean and 2 more"),
        (lambda: replace(tabular(), model=_frozen), "it holds what is not trained: 0.weight"),
        (lambda: replace(tabular(), model=lambda: nn.Sequential(mlp(), nn.Dropout())), "random operation"),
        (lambda: replace(tabular(), model=lambda: nn.Sequential(_DataDependent(), mlp())), "data-dependent"),
        (lambda: replace(tabular(), metric=_choosing_metric), "data-dependent"),
    ],
    ids=["buffers", "frozen", "random", "control flow", "metric"],
)
def test_the_reason_is_named(workload: Callable[[], Workload], reason: str) -> None:
    """What cannot be stacked says why in one line, and trains all the same."""
    stack = _stack(workload())
    assert not stack.stackable
    assert reason in stack.unstackable_reason
    assert 1 == len(stack.unstackable_reason.splitlines())
    data = tabular_data()
    params = stack.init(0).unsqueeze(0)
    loss, gradient = stack.loss_and_grad(params, data.train_x[None, :BATCH], data.train_y[None, :BATCH])
    assert torch.isfinite(loss).all()
    assert (1, stack.trainable) == tuple(gradient.shape)


def test_what_stacks_has_no_reason() -> None:
    """A plain module is stacked, and the reason is empty."""
    stack = _stack(tabular())
    assert (True, "") == (stack.stackable, stack.unstackable_reason)
    assert FEATURES * 8 + 8 + 8 * 3 + 3 == stack.size
