"""`blocked_conv` for a compiler: the element-wise parts of the backward pass overwrite nothing, so all of it fuses.

The same functions, to the bit. Uncompiled these are the slower ones, compiled the others are: a
compiler turns each write into a slice into a choice for every element.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from lrsearch.training.blocked_conv import Pooled, Tape, Unpooled, columns, forward, stored_columns, weights_gradient
from lrsearch.training.products import matmul

__all__ = ["columns", "forward", "images_gradient", "stored_columns", "unpool", "weights_gradient"]


def unpool(gradient: Tensor, tape: Tape) -> Unpooled:
    """Route the output's gradient back through ReLU and pooling; see `convolution`."""
    return Unpooled(tape, gradient.shape[-1], *pool_gradient(gradient.flatten(2), tape.pooled))


def images_gradient(unpooled: Unpooled) -> Tensor:
    """Return the gradient of the images; see `convolution`."""
    return unpatch(matmul(unpooled.tape.frames.mT, unpooled.z), unpooled.batch)


def pool_gradient(gradient: Tensor, pooled: Pooled) -> tuple[Tensor, Tensor]:
    """Return `dZ[N, 4 * O, S]` and `db[N, O]` for the output's gradient `[N, O, S]`; see `blocked_conv`."""
    gradient = torch.where(pooled.output > 0, gradient, 0)
    by_row = _routed(gradient, pooled.rows, 1)
    return _routed(by_row, pooled.z, 2).flatten(1, 3), gradient.sum(2)


def unpatch(gradient: Tensor, batch: int) -> Tensor:
    """Return the gradient `[N, C, H, W, B]` of images from that of their patches; see `blocked_conv`."""
    lanes, rows, columns = gradient.shape
    channels = rows // 36
    side = round((columns // batch) ** 0.5)
    parts = gradient.view(lanes, channels, 3, 2, 3, 2, side, side, batch)
    framed = functional.pad(parts, (0, 0, 2, 2, 2, 2))
    pixels = gradient.new_zeros(lanes, channels, 2, 2, side + 2, side + 2, batch)
    for row in range(3):
        for column in range(3):
            window = slice(2 - row, 4 + side - row), slice(2 - column, 4 + side - column)
            pixels = pixels + framed[:, :, row, :, column][:, :, :, :, window[0], window[1]]
    return pixels.permute(0, 1, 4, 2, 5, 3, 6).reshape(lanes, channels, 2 * side + 4, 2 * side + 4, batch)


def _routed(gradient: Tensor, pair: Tensor, dim: int) -> Tensor:
    """Return the gradients, stacked along `dim`, of the two values of `pair`; a tie goes to the first."""
    first, second = pair.unbind(dim)
    to_second = torch.where(second > first, gradient, 0)
    return torch.stack([gradient - to_second, to_second], dim)
