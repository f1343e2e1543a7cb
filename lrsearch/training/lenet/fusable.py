"""The element-wise parts of the backward pass, written for a compiler: nothing is overwritten, so all of it fuses.

The same functions as in `blocked_conv`, to the bit. Uncompiled these are the slower ones, compiled the others are: a
compiler turns each write into a slice into a choice for every element.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    from lrsearch.training.lenet.pooled import Pooled


def pool_gradient(gradient: Tensor, pooled: Pooled) -> tuple[Tensor, Tensor]:
    """Return `dZ[N, 4 * O, S]` and `db[N, O]` for the output's gradient `[N, O, S]`; see `blocked_conv`."""
    gradient = torch.where(pooled.output > 0, gradient, 0)
    by_row = _routed(gradient, pooled.rows, 1)
    return _routed(by_row, pooled.z, 2).flatten(1, 3), gradient.sum(2)


def unpatch(gradient: Tensor, batch: int) -> Tensor:
    """Return the gradient `[N, C, H, W, B]` of images from that of their patches; see `blocked_conv`."""
    lanes, _, columns = gradient.shape
    side = round((columns // batch) ** 0.5)
    parts = gradient.view(lanes, -1, 3, 2, 3, 2, side, side, batch)
    channels = parts.shape[1]
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
