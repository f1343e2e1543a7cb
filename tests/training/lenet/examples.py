"""Images, lanes and what a module of PyTorch makes of them, for the tests of the LeNet."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from lrsearch.training.lenet.lenet_stack import LenetStack
from lrsearch.training.lenet.processor.blocks import Block
from lrsearch.training.lenet.processor.step import BLOCKS
from lrsearch.training.lenet.processor.vectors import vector_bytes
from lrsearch.workloads.fashion_lenet import lenet, normalise


def module_loss_and_grad(row: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Take the plain way for one lane: nn.Sequential and autograd."""
    module = lenet().to(row.dtype)
    nn.utils.vector_to_parameters(row.clone(), module.parameters())
    loss = functional.cross_entropy(module(normalise(x).to(row.dtype)), y)
    gradients = torch.autograd.grad(loss, list(module.parameters()))
    return loss.detach(), nn.utils.parameters_to_vector(gradients)


def random_images(batches: int, batch_size: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Noise with a constant region in every image, as real images have, so that pooling meets ties."""
    rng = torch.Generator().manual_seed(seed)
    x = torch.randint(0, 256, (batches, batch_size, 1, 28, 28), dtype=torch.uint8, generator=rng)
    x[:, :, :, :9] = 0
    return x, torch.randint(0, 10, (batches, batch_size), generator=rng)


def lanes_of(stack: LenetStack, lanes: int) -> Tensor:
    return torch.stack([stack.init(seed) for seed in range(lanes)])


def relative_error(expected: Tensor, actual: Tensor) -> float:
    """Return the largest error of any layer's weights or biases, each relative to its own norm."""
    sizes = [p.numel() for p in lenet().parameters()]
    pairs = zip(expected.split(sizes, -1), actual.split(sizes, -1), strict=True)
    return max(((e - a).norm() / e.norm()).item() for e, a in pairs)


WIDTHS = pytest.mark.parametrize("bytes_wide", sorted({16, 32, vector_bytes()}))

EACH_BLOCK = pytest.mark.parametrize("shape", BLOCKS, ids=["first", "second"])


def block(images: Tensor, weights: Tensor, bias: Tensor) -> Tensor:
    """Return the block of one lane by PyTorch, the batch last: `[C, H, W, B]` to `[O, P, P, B]`."""
    pooled = functional.max_pool2d(functional.conv2d(images.permute(3, 0, 1, 2), weights, bias), 2)
    return pooled.relu().permute(1, 2, 3, 0)


def example(shape: Block, dtype: torch.dtype, batch: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return images, weights, biases and the gradient of the output of one lane, with ties in every image."""
    rng = torch.Generator().manual_seed(3)
    channels, side, outputs = shape
    images = torch.randn(channels, side, side, batch, generator=rng, dtype=torch.float64)
    images[:, : side // 3] = 0.5
    weights = torch.randn(outputs, channels, 5, 5, generator=rng, dtype=torch.float64) / 5
    bias = torch.randn(outputs, generator=rng, dtype=torch.float64)
    gradient = torch.randn(outputs, shape.pooled, shape.pooled, batch, generator=rng, dtype=torch.float64)
    return images.to(dtype), weights.to(dtype), bias.to(dtype), gradient.to(dtype)


def in_tiles(images: Tensor, tile: int) -> Tensor:
    """Return `[..., B]` as the loops of a processor keep it, `[tiles, ..., T]`."""
    return images.unflatten(-1, (-1, tile)).movedim(-2, 0).contiguous()


def batch_last(tiles: Tensor) -> Tensor:
    """Return `[tiles, ..., T]` as `[..., B]`."""
    return tiles.movedim(0, -2).flatten(-2)
