"""The loops of the dense layers and the loss, against PyTorch."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
import torch
from torch.nn import functional

from lrsearch.training.lenet.processor.dense import DenseKernels, make_dense_kernels
from lrsearch.training.lenet.processor.target import Target
from tests.training.lenet.examples import WIDTHS, batch_last, in_tiles

_TILES = 3


@cache
def _loops(tile: int, width: int, *, large: bool) -> DenseKernels:  # compiled once for all tests
    return make_dense_kernels(Target(tile, width, large=large, cache=False))


@pytest.mark.parametrize("relu", [True, False])
@pytest.mark.parametrize(("inputs", "outputs"), [(400, 120), (84, 10)])
@WIDTHS
def test_a_layer_and_its_gradients_are_those_of_autograd(bytes_wide, inputs, outputs, relu):
    """Output, gradients of weights, bias and inputs, also where blocks of features do not divide a layer."""
    tile = 8
    rng = torch.Generator().manual_seed(0)
    loops = _loops(tile, bytes_wide // 8, large=bytes_wide == 64)
    weights, bias, before, d = (
        torch.randn(*shape, generator=rng, dtype=torch.float64).requires_grad_()
        for shape in ((outputs, inputs), (outputs,), (_TILES * tile, inputs), (_TILES * tile, outputs))
    )
    x = before.relu()
    expected = functional.linear(x, weights, bias)
    expected = expected.relu() if relu else expected
    opened = d.detach() * (expected > 0) if relu else d.detach()
    expected.backward(d.detach())
    x_, d_ = (in_tiles(t.detach().T, tile).flatten().numpy() for t in (x, opened))
    out, dx, rows = (torch.empty(_TILES, size, tile, dtype=torch.float64) for size in (outputs, inputs, inputs))
    params = torch.cat([torch.zeros(3), weights.detach().flatten(), bias.detach()]).numpy()
    row = torch.empty(3 + weights.numel() + bias.numel(), dtype=torch.float64)
    out_, dx_, rows_ = (t.view(-1).numpy() for t in (out, dx, rows))
    loops.forward(x_, params, 3, out_, inputs, outputs, _TILES, relu)
    loops.weights(x_, d_, rows_, row.numpy(), 3, inputs, outputs, _TILES)
    loops.inputs(d_, params, 3, x_, dx_, inputs, outputs, _TILES)
    truths = expected.T, torch.cat([weights.grad.flatten(), bias.grad]), before.grad.T
    for truth, result in zip(truths, (batch_last(out), row[3:], batch_last(dx)), strict=True):
        torch.testing.assert_close(truth, result, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("batch", [1, 8, 19])
def test_the_loss_and_its_gradient_are_those_of_autograd(batch):
    """The mean over the images of a batch; behind the last the gradient is zero."""
    loops = _loops(8, 2, large=False)
    outputs, labels = torch.randn(24, 10, dtype=torch.float64), torch.randint(0, 10, (batch,))
    leaf = outputs.clone().requires_grad_()
    expected = functional.cross_entropy(leaf[:batch], labels)
    expected.backward()
    d = torch.empty(3, 10, 8, dtype=torch.float64)
    loss = loops.cross_entropy(in_tiles(outputs.T, 8).flatten().numpy(), labels.numpy(), d.numpy().reshape(-1), 10)
    assert loss == pytest.approx(expected.item(), rel=1e-12)
    torch.testing.assert_close(leaf.grad.T, batch_last(d), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("label", [-1, 10])
def test_a_label_that_is_no_class_is_an_error(label):
    """And no number from elsewhere in memory."""
    with pytest.raises(IndexError, match="out of bounds"):
        _loops(8, 2, large=False).cross_entropy(np.zeros(80), np.array([0, label]), np.zeros(80), 10)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("place", [0, 5])
def test_outputs_that_are_not_finite_give_the_loss_of_pytorch(value, place):
    """NaN and infinity, at the label and elsewhere."""
    loops = _loops(8, 2, large=False)
    for label in (0, 5, 9):
        outputs = torch.randn(8, 10)
        outputs[2, place] = value
        labels = torch.full((8,), label)
        expected = functional.cross_entropy(outputs, labels).item()
        d = np.empty(80, np.float32)
        loss = loops.cross_entropy(in_tiles(outputs.T, 8).flatten().numpy(), labels.numpy(), d, 10)
        assert loss == pytest.approx(expected, rel=1e-5, nan_ok=True)
