"""Lanes side by side: a step of each is the step of plain autograd."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from lrsearch.training.modules.draws import lane_generators
from lrsearch.training.modules.plain import PlainModule
from lrsearch.training.modules.stacked import StackedModule
from tests.training.modules.test_layout import Everything, X, Y, layout_of
from tests.workload_examples import tabular


class _Tied(nn.Module):
    """Uses one matrix twice, and returns a dict."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(6, 6), nn.Linear(6, 6)
        self.two.weight = self.one.weight

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"logits": self.two(self.one(x).tanh())}


def _tied():
    def loss(outputs: dict[str, Tensor], y: Tensor) -> Tensor:
        return nn.functional.cross_entropy(outputs["logits"], y)

    return replace(tabular(), model=_Tied, loss=loss)


@pytest.mark.parametrize("shared", [True, False], ids=["one batch", "own batches"])
@pytest.mark.parametrize(
    "workload", [tabular(), replace(tabular(), model=Everything), _tied()], ids=["mlp", "all", "tied"]
)
def test_a_step_of_each_lane_is_that_of_plain_autograd(workload, shared) -> None:
    """Loss, gradient, random numbers, what is carried, and the outputs afterwards."""
    layout = layout_of(workload)
    rows = torch.stack([layout.init(seed) for seed in range(3)])
    alone = [row.unsqueeze(0).clone() for row in rows]
    x, y = (torch.stack([tensor.roll(n, 0) for n in range(1 if shared else 3)]) for tensor in (X, Y))
    stacked, plain = StackedModule(layout), PlainModule(layout)
    generators = lane_generators(3, torch.device("cpu"), stackable=True)
    for seed, generator in enumerate(generators):
        generator.manual_seed(seed)
    losses, gradients = stacked.loss_and_grad(rows, x, y, generators)
    outputs = stacked.predict(rows, X[None])
    for n, row in enumerate(alone):
        with torch.random.fork_rng():
            torch.manual_seed(n)
            loss, gradient = plain.loss_and_grad(row, x[[n % len(x)]], y[[n % len(y)]])
        torch.testing.assert_close(losses[n], loss[0], rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(gradients[n], gradient[0], rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(rows[n], row[0], rtol=1e-12, atol=1e-12)
        [expected] = plain.predict(row, X[None])
        torch.testing.assert_close(outputs[n], expected, rtol=1e-10, atol=1e-12)
