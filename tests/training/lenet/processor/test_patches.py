"""The gradients of the second block, against PyTorch."""

from __future__ import annotations

import pytest
import torch

from lrsearch.training.lenet.processor.patches import make_patch_kernels, rows_size, table_size
from lrsearch.training.lenet.processor.step import SECOND
from lrsearch.training.lenet.processor.target import Target
from tests.training.lenet.examples import WIDTHS, batch_last, block, example, in_tiles

_TILES = 2


@WIDTHS
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 2e-5)])
def test_the_gradients_are_those_of_autograd(bytes_wide, dtype, tolerance):
    """Of weights, bias and images: each output's gradient goes to the place in its window that the image chose."""
    tile, width = 64 // dtype.itemsize, bytes_wide // dtype.itemsize
    loops = make_patch_kernels(SECOND, Target(tile, width, large=bytes_wide == 64, cache=False))
    images, weights, bias, gradient = example(SECOND, dtype, _TILES * tile)
    leaves = [t.double().clone().requires_grad_() for t in (images, weights, bias)]
    output = block(*leaves)
    output.backward(gradient.double())
    of_images, of_weights, of_bias = (leaf.grad for leaf in leaves)
    x = in_tiles(images.permute(1, 2, 0, 3), tile).flatten().numpy()
    g = in_tiles(gradient * (output > 0), tile).flatten().numpy()
    place = in_tiles(_places(*leaves), tile).flatten().numpy()
    params = torch.cat([torch.zeros(3).to(bias), weights.flatten(), bias])
    row, dx = torch.empty_like(params), torch.empty(_TILES, 14, 14, 6, tile, dtype=dtype)
    rows = torch.full((rows_size(SECOND, tile, width),), torch.nan, dtype=dtype).numpy()
    table = torch.empty(table_size(SECOND, width), dtype=dtype).numpy()
    loops.weights(x, g, place, rows, table, row.numpy(), 3, _TILES)
    loops.images(g, place, params.numpy(), 3, table, rows, dx.view(-1).numpy(), _TILES)
    actual = row[3:], batch_last(dx).permute(2, 0, 1, 3)
    for truth, result in zip((torch.cat([of_weights.flatten(), of_bias]), of_images), actual, strict=True):
        assert (truth - result.double()).abs().max() < tolerance * truth.abs().max()


def _places(images: torch.Tensor, weights: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    """Return the place of each window's largest sum, the first of equals, `[OUT, P, P, B]`, or 4 if ReLU is shut."""
    sums = torch.nn.functional.conv2d(images.permute(3, 0, 1, 2), weights, bias).permute(1, 2, 3, 0).detach()
    windows = sums.unflatten(1, (-1, 2)).unflatten(3, (-1, 2)).permute(0, 1, 3, 2, 4, 5).flatten(3, 4)
    largest, place = windows.max(3)
    return torch.where(largest > 0, place, 4).to(torch.uint8)
