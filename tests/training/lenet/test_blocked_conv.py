"""The block as matrix products of PyTorch: pooling, patches, and the gradients where Numba does not work."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from lrsearch.training.lenet import convolution
from lrsearch.training.lenet.blocked_conv import columns as patches
from lrsearch.training.lenet.blocked_conv import pool, pool_gradient, unpatch
from lrsearch.training.lenet.lenet_stack import LenetStack
from tests.training.lenet.examples import lanes_of, module_loss_and_grad, random_images, relative_error


@pytest.fixture
def without_numba(monkeypatch) -> None:
    """Take the processor for one that Numba does not know, on which matrix products of PyTorch compute."""
    monkeypatch.setattr(convolution, "why_no_numba", lambda dtype: "unknown processor")


@pytest.mark.usefixtures("without_numba")
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-5)])
def test_without_numba_the_gradients_are_the_same(dtype, tolerance):
    """What runs where Numba does not gives the module's numbers too, at a batch that fills no vectors."""
    stack = LenetStack(dtype)
    params, (x, y) = lanes_of(stack, 2), random_images(1, 33)
    losses, gradients = stack.loss_and_grad(params, x, y)
    for n in range(2):
        loss, gradient = module_loss_and_grad(params[n], x[0], y[0])
        assert loss.item() == pytest.approx(losses[n].item(), rel=tolerance)
        assert relative_error(gradient, gradients[n]) < tolerance


def test_pooling_ties_go_to_the_first_maximum():
    """Where several of the four values are the largest, the gradient goes where max_pool2d sends it."""
    rng = torch.Generator().manual_seed(0)
    image = torch.randint(-1, 2, (1, 3, 12, 12), generator=rng).double()  # [B, O, H, W] of three values: ties abound
    bias, weight = torch.randn(3, generator=rng).double(), torch.randn(1, 3, 6, 6, generator=rng).double()
    oracle = image.clone().requires_grad_()
    pooled = functional.max_pool2d((oracle + bias.view(1, 3, 1, 1)).relu(), 2)
    (pooled * weight).sum().backward()
    slabs = image.view(3, 6, 2, 6, 2).permute(2, 4, 0, 1, 3).reshape(1, 12, 36)
    tape = pool(slabs.clone(), bias.unsqueeze(0))
    assert torch.equal(pooled.detach().view(1, 3, 36), tape.output)
    gradient, _ = pool_gradient(weight.view(1, 3, 36), tape)
    expected = oracle.grad.view(3, 6, 2, 6, 2).permute(2, 4, 0, 1, 3).reshape(1, 12, 36)
    assert torch.equal(expected, gradient)


def test_unpatch_is_the_adjoint_of_patches():
    """<patches(a), g> = <a, unpatch(g)> for every a and g, which is what makes it the gradient."""
    rng = torch.Generator().manual_seed(0)
    a = torch.randn(2, 6, 14, 14, 4, generator=rng).double()
    columns_of_a = patches(a).flatten(2)
    g = torch.randn(columns_of_a.shape, generator=rng).double()
    torch.testing.assert_close((columns_of_a * g).sum(), (a * unpatch(g, 4)).sum(), rtol=1e-12, atol=0)
