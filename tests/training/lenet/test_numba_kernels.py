"""The compiled loops of one layer."""

from __future__ import annotations

import pytest
import torch

from lrsearch.training.lenet import numba_conv
from lrsearch.training.lenet.numba_kernels import Layer, make_kernels
from lrsearch.training.lenet.vectors import vector_bytes
from tests.training.lenet.examples import LAYERS, batch_last, block, example, in_tiles


@LAYERS
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("where", ["images", "weights", "bias"])
def test_what_is_not_finite_spreads_as_in_pytorch(layer, value, where):
    """NaN and infinity in an image, a weight or a bias: the output has them where PyTorch's has."""
    images, weights, bias, _ = example(layer, torch.float32, lanes=1)
    {"images": images, "weights": weights, "bias": bias}[where].flatten()[7 % bias.numel()] = value
    expected = block(images[0], weights[0], bias[0])
    output = batch_last(numba_conv.forward(weights, bias, in_tiles(images)).output)[0]
    torch.testing.assert_close(expected, output, rtol=1e-4, atol=1e-5, equal_nan=True)


def test_kernels_are_compiled_when_they_are_first_called():
    """Making those of a layer costs nothing; without a cache nothing is kept."""
    kernels = make_kernels(Layer(1, 8, 6), vector_bytes(), 4, cache=False)
    assert ("forward", "unpool", "weights", "images") == kernels._fields
    assert [[]] * 4 == [kernel.signatures for kernel in kernels]
