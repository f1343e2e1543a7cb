"""The loops of the blocks, against PyTorch."""

from __future__ import annotations

from functools import cache, partial

import pytest
import torch
from torch import Tensor

from lrsearch.training.lenet.processor.blocks import Block, make_forward
from lrsearch.training.lenet.processor.step import BLOCKS, FIRST, SECOND, Kernels, make_kernels
from lrsearch.training.lenet.processor.target import Target
from lrsearch.training.lenet.processor.vectors import vector_bytes
from tests.training.lenet.examples import EACH_BLOCK, WIDTHS, batch_last, block, example, in_tiles

_TILES = 2
_kernels = cache(partial(make_kernels, cache=False))  # compiled once for all tests


def forward(kernels: Kernels, shape: Block, images: Tensor, weights: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """Return the output `[OUT, P, P, B]` and its place, in tiles as the loop leaves it."""
    flat = shape == SECOND
    size = (shape.outputs, shape.pooled, shape.pooled) if flat else (shape.pooled, shape.pooled, shape.outputs)
    output = torch.empty(_TILES, *size, kernels.tile, dtype=images.dtype)
    place = torch.empty_like(output, dtype=torch.uint8)
    params = torch.cat([torch.zeros(3).to(bias), weights.flatten(), bias])
    x = in_tiles(images.permute(1, 2, 0, 3), kernels.tile).flatten()
    loop = kernels.forward[BLOCKS.index(shape)]
    loop(x.numpy(), params.numpy(), 3, output.view(-1).numpy(), place.view(-1).numpy(), _TILES)
    return batch_last(output) if flat else batch_last(output).permute(2, 0, 1, 3), place


@EACH_BLOCK
@WIDTHS
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 2e-5)])
def test_the_output_is_that_of_pytorch(shape, bytes_wide, dtype, tolerance):
    """With vectors of any width that this processor can compute."""
    images, weights, bias, _ = example(shape, dtype, _TILES * 64 // dtype.itemsize)
    output, _ = forward(_kernels(dtype, bytes_wide), shape, images, weights, bias)
    torch.testing.assert_close(block(images, weights, bias), output, rtol=tolerance, atol=tolerance)


@WIDTHS
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 2e-5)])
def test_the_gradients_of_the_first_block_are_those_of_autograd(bytes_wide, dtype, tolerance):
    """Of its weights and its bias, with ties in every image."""
    kernels = _kernels(dtype, bytes_wide)
    images, weights, bias, gradient = example(FIRST, dtype, _TILES * kernels.tile)
    leaves = [weights.double().clone().requires_grad_(), bias.double().clone().requires_grad_()]
    block(images.double(), *leaves).backward(gradient.double())
    _, place = forward(kernels, FIRST, images, weights, bias)
    row = torch.empty(3 + FIRST.weights + FIRST.outputs, dtype=dtype)
    x, g = in_tiles(images, kernels.tile).flatten(), in_tiles(gradient.permute(1, 2, 0, 3), kernels.tile).flatten()
    kernels.first_weights(x.numpy(), g.numpy(), place.view(-1).numpy(), row.numpy(), 3, _TILES)
    expected = torch.cat([leaf.grad.flatten() for leaf in leaves])
    assert (expected - row[3:].double()).abs().max() < tolerance * expected.abs().max()


@EACH_BLOCK
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("where", ["images", "weights", "bias"])
def test_what_is_not_finite_spreads_as_in_pytorch(shape, value, where):
    """NaN and infinity in an image, a weight or a bias: the output has them where PyTorch's has."""
    images, weights, bias, _ = example(shape, torch.float32, _TILES * 16)
    {"images": images, "weights": weights, "bias": bias}[where].flatten()[7 % bias.numel()] = value
    output, _ = forward(_kernels(torch.float32, vector_bytes()), shape, images, weights, bias)
    torch.testing.assert_close(block(images, weights, bias), output, rtol=1e-4, atol=1e-5, equal_nan=True)


def test_stored_images_are_framed():
    """Pixels become the numbers that stand for them, image by image in tiles, in a border of zeros."""
    kernels = _kernels(torch.float32, vector_bytes())
    pixels = torch.randint(0, 256, (_TILES * kernels.tile, 28, 28), dtype=torch.uint8)
    tiles = torch.empty(_TILES, 32, 32, kernels.tile)
    kernels.frame(pixels.view(-1).numpy(), torch.arange(1.0, 257.0).numpy(), tiles.view(-1).numpy(), _TILES)
    images = batch_last(tiles)
    torch.testing.assert_close(pixels.permute(1, 2, 0) + 1.0, images[2:30, 2:30])
    assert images.count_nonzero() == pixels.numel()


def test_a_loop_is_compiled_when_it_is_first_called():
    """Making it costs nothing."""
    assert [] == make_forward(FIRST, Target(16, 4, large=False, cache=False), flat=False).signatures
