"""The loops of one block, against PyTorch."""

from __future__ import annotations

from functools import cache, partial

import numpy as np
import pytest
import torch
from torch import Tensor

from lrsearch.training.lenet.numba_conv import Block
from lrsearch.training.lenet.numba_lenet import BLOCKS, make_kernels
from lrsearch.training.lenet.vectors import vector_bytes
from tests.training.lenet.examples import EACH_BLOCK, batch_last, block, example, in_tiles

_TILES = 2
_kernels = cache(partial(make_kernels, cache=False))  # compiled once for all tests
_WIDTHS = pytest.mark.parametrize("bytes_wide", sorted({16, 32, vector_bytes()}))


def run(shape: Block, bytes_wide: int, images: Tensor, weights: Tensor, bias: Tensor, gradient: Tensor) -> list[Tensor]:
    """Return the output and the gradients of weights, bias and images, the batch last."""
    kernels = _kernels(images.dtype, bytes_wide)
    loops, tile = kernels.blocks[BLOCKS.index(shape)], kernels.tile
    x, g = (in_tiles(t, tile) for t in (images, gradient))
    output, place = torch.empty_like(g), torch.empty_like(g, dtype=torch.uint8)
    dweights, dbias, dx, dz = (torch.empty_like(t) for t in (weights, bias, x, torch.empty(4 * g[0].numel()).to(g)))
    flat = [t.numpy().reshape(-1) for t in (x, weights, bias, output, place, g, dweights, dbias, dx, dz)]
    x_, weights_, bias_, output_, place_, g_, dweights_, dbias_, dx_, dz_ = flat
    loops.forward(x_, weights_, bias_, output_, place_, _TILES)
    loops.weights(x_, g_, place_, dweights_, dbias_, _TILES)
    loops.images(g_, place_, dz_, weights_, dx_, _TILES)
    return [batch_last(output), dweights, dbias, batch_last(dx)]


@EACH_BLOCK
@_WIDTHS
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 2e-5)])
def test_the_block_and_its_gradients_are_those_of_autograd(shape, bytes_wide, dtype, tolerance):
    """Output and all gradients, with vectors of any width that this processor can compute."""
    images, weights, bias, gradient = example(shape, dtype, _TILES * 64 // dtype.itemsize)
    leaves = [t.double().clone().requires_grad_() for t in (images, weights, bias)]
    expected = block(*leaves)
    expected.backward(gradient.double())
    of_images, of_weights, of_bias = (leaf.grad for leaf in leaves)
    actual = run(shape, bytes_wide, images, weights, bias, gradient)
    for truth, result in zip((expected.detach(), of_weights, of_bias, of_images), actual, strict=True):
        error = (truth - result.double()).abs().max() / truth.abs().max()
        assert error < tolerance


@EACH_BLOCK
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("where", ["images", "weights", "bias"])
def test_what_is_not_finite_spreads_as_in_pytorch(shape, value, where):
    """NaN and infinity in an image, a weight or a bias: the output has them where PyTorch's has."""
    images, weights, bias, gradient = example(shape, torch.float32, _TILES * 16)
    {"images": images, "weights": weights, "bias": bias}[where].flatten()[7 % bias.numel()] = value
    expected = block(images, weights, bias)
    output = run(shape, vector_bytes(), images, weights, bias, gradient)[0]
    torch.testing.assert_close(expected, output, rtol=1e-4, atol=1e-5, equal_nan=True)


def test_stored_images_are_framed():
    """Pixels become the numbers that stand for them, image by image in tiles, in a border of zeros."""
    kernels = _kernels(torch.float32, vector_bytes())
    pixels = torch.randint(0, 256, (2 * kernels.tile, 28, 28), dtype=torch.uint8)
    numbers = torch.arange(1.0, 257.0).numpy()
    tiles = torch.empty(2, 32, 32, kernels.tile)
    kernels.frame(pixels.numpy().reshape(-1), numbers, tiles.numpy().reshape(-1), 2)
    images = batch_last(tiles)
    torch.testing.assert_close(pixels.permute(1, 2, 0) + 1.0, images[2:30, 2:30])
    assert images.count_nonzero() == pixels.numel()


def test_loops_are_compiled_when_they_are_first_called():
    """Making those of a block costs nothing."""
    kernels = make_kernels(torch.float64, vector_bytes(), cache=False)
    assert all(not loop.signatures for loops in kernels.blocks for loop in loops)
    kernels.blocks[0].forward(*(np.zeros(n) for n in (0, 150, 6, 0)), np.zeros(0, np.uint8), 0)
    assert kernels.blocks[0].forward.signatures
