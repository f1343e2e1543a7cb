"""The block of `convolution` as matrix products of PyTorch, on any device, with its gradient written out.

Layout. Activations are `[N, C, H, W, B]`: lanes first, the batch last. The batch is long and contiguous, so what
runs over it is vectorised however few channels there are.

Forward. The four outputs of one pooling window see a 6x6 patch of the input. `columns` lays these patches out as
columns, `X[C * 36, S]` with one column per window and image (S = windows * B). `spread` writes each 5x5 kernel four
times into a 6x6 frame, shifted by (0, 0), (0, 1), (1, 0) and (1, 1), as `V[4 * O, C * 36]`. Then one matrix product
holds all outputs of the convolution, `Z = V X`, ordered `[4, O, S]`: pooling is a maximum over four contiguous slabs.
A constant and an increasing function may be taken after a maximum, `max_k relu(z_k + b) = relu(max_k z_k + b)`, so
bias and ReLU see a quarter of the values. Patches are 36 rows and not 25 (1.44 times the multiplications), but
windows overlap less: the input grows 9 times and not 25 times.

Backward. Given the loss's gradient G with respect to the output `[O, S]`:

    the ReLU passes G where the output is positive;            db = sum of that over S
    pooling passes it to the largest of the four slabs, which gives dZ[4 * O, S]
    Z = V X, therefore dV = dZ X' and dX = V' dZ
    `spread` is linear, a sum of four shifts: dW is the sum of the four shifted 5x5 cuts of dV       (`gather`)
    `columns` copies pixels: the gradient of a pixel is the sum over its copies in dX                 (`unpatch`)

Ties go to the first maximum in the order (0, 0), (0, 1), (1, 0), (1, 1), as in `max_pool2d`.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from lrsearch.training.lenet.products import matmul as matmul  # a part of the module's interface
from lrsearch.workloads.fashion_lenet import normalise

_KERNEL = 5
_PATCH = _KERNEL + 1
_ROWS = _PATCH * _PATCH
_SHIFTS = ((0, 0), (0, 1), (1, 0), (1, 1))

_relu_gradient = torch.ops.aten.threshold_backward


class Pooled(NamedTuple):
    """What the backward pass of `pool` needs; consumed by it.

    Attributes:
        z: `[N, 2, 2, O, S]`, the convolution's outputs by the row and column of their place in the window.
        rows: `[N, 2, O, S]`, the maximum of each row of the window.
        output: `[N, O, S]`.
    """

    z: Tensor
    rows: Tensor
    output: Tensor


class Tape(NamedTuple):
    """What the backward pass needs; see `convolution`.

    Attributes:
        columns: `[1 or N, C * 36, H / 2 - 2, W / 2 - 2, B]`.
        frames: the weights' `spread`.
        pooled: what `pool` left.
        output: its output, `[N, O, H / 2 - 2, W / 2 - 2, B]`.
    """

    columns: Tensor
    frames: Tensor
    pooled: Pooled
    output: Tensor


class Unpooled(NamedTuple):
    """Gradients behind the pooling.

    Attributes:
        tape: of the forward pass.
        batch: B.
        z: `[N, 4 * O, S]`, of the convolution's outputs.
        bias: `[N, O]`, of the bias.
    """

    tape: Tape
    batch: int
    z: Tensor
    bias: Tensor


def stored_columns(x: Tensor, dtype: torch.dtype, padding: int) -> Tensor:
    """Return the patches of stored images `x[N, B, 1, S, S]`, normalised, in a border of zeros; see `convolution`."""
    lanes, batch, _, side, _ = x.shape
    pixels = normalise(x.reshape(lanes, batch, side * side).transpose(1, 2).contiguous()).to(dtype)
    padded = pixels.new_zeros(lanes, 1, side + 2 * padding, side + 2 * padding, batch)
    inner = slice(padding, padding + side)
    padded[:, 0, inner, inner] = pixels.view(lanes, side, side, batch)
    return columns(padded)


def columns(images: Tensor) -> Tensor:
    """Return the 6x6 patches, two pixels apart, of `images[N, C, H, W, B]`, `[N, C * 36, H / 2 - 2, W / 2 - 2, B]`."""
    windows = images.unfold(2, _PATCH, 2).unfold(3, _PATCH, 2)
    return windows.permute(0, 1, 5, 6, 2, 3, 4).flatten(1, 3)


def forward(weights: Tensor, bias: Tensor, columns: Tensor) -> Tape:
    """Convolve, pool, add the bias and apply ReLU; see `convolution`."""
    frames = spread(weights)
    pooled = pool(matmul(frames, columns.flatten(2)), bias)
    return Tape(columns, frames, pooled, pooled.output.view(*bias.shape, *columns.shape[2:]))


def unpool(gradient: Tensor, tape: Tape) -> Unpooled:
    """Route the output's gradient back through ReLU and pooling; see `convolution`."""
    return Unpooled(tape, gradient.shape[-1], *pool_gradient(gradient.view_as(tape.output).flatten(2), tape.pooled))


def weights_gradient(unpooled: Unpooled) -> tuple[Tensor, Tensor]:
    """Return the gradients of weights and bias; see `convolution`."""
    return gather(matmul(unpooled.z, unpooled.tape.columns.flatten(2).mT)), unpooled.bias


def images_gradient(unpooled: Unpooled) -> Tensor:
    """Return the gradient of the images; see `convolution`."""
    return unpatch(matmul(unpooled.tape.frames.mT, unpooled.z), unpooled.batch)


def unpatch(gradient: Tensor, batch: int) -> Tensor:
    """Return the gradient `[N, C, H, W, B]` of square images from that of their `columns`, `[N, C * 36, S]`."""
    lanes, _, columns = gradient.shape
    side = round((columns // batch) ** 0.5)
    # A patch has 3x3 places of 2x2 pixels, and so have the images: each place is one addition of whole slices.
    parts = gradient.view(lanes, -1, 3, 2, 3, 2, side, side, batch).permute(0, 1, 2, 4, 6, 3, 7, 5, 8)
    channels = parts.shape[1]
    images = gradient.new_zeros(lanes, channels, side + 2, 2, side + 2, 2, batch)
    for row in range(3):
        for column in range(3):
            images[:, :, row : row + side, :, column : column + side] += parts[:, :, row, column]
    return images.view(lanes, channels, 2 * side + 4, 2 * side + 4, batch)


def spread(kernels: Tensor) -> Tensor:
    """Return `kernels[N, O, C, 5, 5]` at the four places in a 6x6 frame, `[N, 4 * O, C * 36]`."""
    lanes, outputs, channels = kernels.shape[:3]
    frames = torch.stack([functional.pad(kernels, (x, 1 - x, y, 1 - y)) for y, x in _SHIFTS], 1)
    return frames.view(lanes, len(_SHIFTS) * outputs, channels * _ROWS)


def gather(gradient: Tensor) -> Tensor:
    """Return the gradient `[N, O, C, 5, 5]` of the kernels from that of their `spread`, `[N, 4 * O, C * 36]`."""
    frames = gradient.view(len(gradient), len(_SHIFTS), -1, gradient.shape[2] // _ROWS, _PATCH, _PATCH)
    cuts = [frames[:, p, :, :, y : y + _KERNEL, x : x + _KERNEL] for p, (y, x) in enumerate(_SHIFTS)]
    return cuts[0] + cuts[1] + cuts[2] + cuts[3]


def pool(z: Tensor, bias: Tensor) -> Pooled:
    """Pool the convolution's outputs `z[N, 4 * O, S]`, then add `bias[N, O]` and apply ReLU."""
    places = z.view(len(z), 2, 2, bias.shape[1], -1)
    rows = torch.maximum(places[:, :, 0], places[:, :, 1])
    output = torch.maximum(rows[:, 0], rows[:, 1]).add_(bias.unsqueeze(2)).relu_()
    return Pooled(places, rows, output)


def pool_gradient(gradient: Tensor, pooled: Pooled) -> tuple[Tensor, Tensor]:
    """Return `dZ[N, 4 * O, S]` and `db[N, O]` for the output's gradient `[N, O, S]`; overwrites what was pooled."""
    gradient = _relu_gradient(gradient, pooled.output, 0)
    _route(gradient, pooled.rows[:, 0], pooled.rows[:, 1])
    _route(pooled.rows, pooled.z[:, :, 0], pooled.z[:, :, 1])
    return pooled.z.flatten(1, 3), gradient.sum(2)


def _route(gradient: Tensor, first: Tensor, second: Tensor) -> None:
    """Overwrite two values by the gradients of `maximum(first, second)`; a tie goes to the first."""
    second.sub_(first)
    second.copy_(_relu_gradient(gradient, second, 0))
    first.copy_(gradient).sub_(second)
