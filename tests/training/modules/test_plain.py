"""One lane by plain autograd, whatever the module does."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from lrsearch.training.modules.plain import PlainModule
from tests.training.modules.test_layout import Everything, X, Y, layout_of
from tests.workload_examples import mlp, tabular


class _Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        return 2 * x

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        return 2 * gradient


class OwnFunction(nn.Module):
    """Has an autograd function of its own, checkpoints, takes inputs by name and returns its logits in a dict."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.unused = mlp(), nn.Linear(1, 1)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Return the logits."""
        hidden = _Doubled.apply(x)
        return {"logits": checkpoint(self.inner, hidden, use_reentrant=False)}


def own_function():
    """Return a workload that `torch.func` cannot follow."""

    def loss(outputs: dict[str, Tensor], y: Tensor) -> Tensor:
        return nn.functional.cross_entropy(outputs["logits"], y)

    def metric(outputs: dict[str, Tensor], y: Tensor) -> Tensor:
        return (outputs["logits"].argmax(-1) == y).float()

    return replace(tabular(), model=OwnFunction, transform=lambda x: {"x": x}, loss=loss, metric=metric)


def test_the_gradient_is_that_of_autograd() -> None:
    """Through functions of one's own, checkpoints and dicts; what is not used has the gradient 0."""
    layout = layout_of(own_function())
    model, row = PlainModule(layout), layout.init(5).unsqueeze(0)
    loss, gradient = model.loss_and_grad(row, X[None], Y[None])
    module = layout.build(5)
    expected = nn.functional.cross_entropy(module(X.double())["logits"], Y)
    expected.backward()
    torch.testing.assert_close(loss[0], expected.detach())
    flat = [p.grad if p.grad is not None else torch.zeros_like(p) for p in module.parameters()]
    torch.testing.assert_close(gradient[0], torch.cat([g.flatten() for g in flat]))
    assert [0.0, 0.0] == gradient[0, -2:].tolist()
    [outputs] = model.predict(row, X[None])
    torch.testing.assert_close(outputs["logits"], module.eval()(X.double())["logits"].detach())


def test_rows_in_turn_do_not_disturb_each_other() -> None:
    """Counters, running statistics and tensors put in place are those of the row that is given."""
    layout = layout_of(replace(tabular(), model=Everything))
    model = PlainModule(layout)
    slots = {slot.name: slot for slot in layout.carried}
    first, second = (layout.init(seed).unsqueeze(0) for seed in (0, 1))
    for _ in range(2):
        model.loss_and_grad(first, X[None], Y[None])
    model.loss_and_grad(second, X[None], Y[None])
    model.predict(first, X[None])
    for row, steps in ((first, 2), (second, 1)):
        assert steps == slots["seen"].of(row).item() == slots["norm.num_batches_tracked"].of(row).item()
    assert not torch.equal(slots["random.weight"].of(first), slots["random.weight"].of(second))
    mean = X.double().mean(0)
    torch.testing.assert_close(0.1 * mean, slots["norm.running_mean"].of(second)[0])
    torch.testing.assert_close(0.19 * mean, slots["norm.running_mean"].of(first)[0])
