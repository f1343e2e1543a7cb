"""The convolutions of `blocked_conv` on a GPU: of all that lies between, only what the next layer reads is stored.

A program of `triton_kernels` holds the 6x6 patch of a pooling window in registers, for some images side by side, and
takes from it the four sums of 25 products that are the convolution's outputs in that window. Pooling, bias and ReLU
follow at once. Kept are the largest output and its `place` in the window: 0 to 3 in the order (0, 0), (0, 1), (1, 0),
(1, 1), or 4 where ReLU is closed. Place and the gradient G of the output are all there is to know of the gradient dZ
of the convolution's outputs, of which one in a window at most is not zero:

    weights   dW[k] is the sum, over windows, places and images, of dZ[place] X[place + k]
    images    dX[pixel] is the sum, over places k in the kernel, of dZ[pixel - k] W[k]; the 2x2 pixels of a block are
              reached from 3x3 windows, whose last is the one with the block in its upper left corner

Sums are taken in the same order at every number of lanes.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import triton
from torch import Tensor

from lrsearch.training.lenet import triton_kernels
from lrsearch.training.lenet.products import matmul as matmul  # a part of the module's interface

_IMAGES = 128
_IMAGES_SUMMED = 32
"""How many images a program has side by side, the second where it sums over them."""
_OUTPUTS = 4
"""How many outputs a program computes, at most, for their sums and a patch to fit into the registers."""


class Tape(NamedTuple):
    """What the backward pass needs; see `convolution`.

    Attributes:
        images: `[1 or N, C, H, W, B]`.
        weights: `[N, O, C, 5, 5]`.
        place: `[N, O, H / 2 - 2, W / 2 - 2, B]`, of uint8.
        output: of the same shape.
    """

    images: Tensor
    weights: Tensor
    place: Tensor
    output: Tensor


class Unpooled(NamedTuple):
    """The gradient of the output, and the tape that says where it belongs."""

    gradient: Tensor
    tape: Tape


def stored_columns(x: Tensor, dtype: torch.dtype, padding: int) -> Tensor:
    """Return stored images `x[N, B, 1, S, S]`, normalised, in a border of zeros, the batch last; see `convolution`."""
    lanes, batch, _, side, _ = x.shape
    width = side + 2 * padding
    images = x.new_empty(lanes, 1, width, width, batch, dtype=dtype)
    triton_kernels.padded[width * triton.cdiv(batch, _IMAGES), lanes](
        x.contiguous(),
        images,
        SIDE=side,
        PADDING=padding,
        BATCH=batch,
        COLUMNS=triton.next_power_of_2(width),
        BLOCK=_IMAGES,
        STORED=not x.is_floating_point(),
    )
    return images


def columns(images: Tensor) -> Tensor:
    """Return the images as they are: patches exist in registers only."""
    return images


def forward(weights: Tensor, bias: Tensor, images: Tensor) -> Tape:
    """Convolve, pool, add the bias and apply ReLU; see `convolution`."""
    lanes, outputs = weights.shape[:2]
    layer, tape = layer_of(weights, images), empty_tape(weights, images)
    windows, batch, group = layer["WINDOWS"], layer["BATCH"], _divisor(outputs, _OUTPUTS)
    triton_kernels.forward[windows * windows * triton.cdiv(batch, _IMAGES), outputs // group, lanes](
        images,
        weights,
        bias,
        tape.output,
        tape.place,
        stride_of(images),
        weights.stride(0),
        bias.stride(0),
        **layer,
        GROUP=group,
        BLOCK=_IMAGES,
        num_warps=1,
    )
    return tape


def unpool(gradient: Tensor, tape: Tape) -> Unpooled:
    """Return both: the kernels route the gradient where they read it; see `convolution`."""
    return Unpooled(gradient.reshape(tape.output.shape).contiguous(), tape)


def weights_gradient(unpooled: Unpooled) -> tuple[Tensor, Tensor]:
    """Return the gradients of weights and bias; see `convolution`."""
    gradient, tape = unpooled
    lanes, outputs, channels = tape.weights.shape[:3]
    layer, (of_weights, of_bias) = layer_of(tape.weights, tape.images), empty_gradients(unpooled)
    group = _divisor(outputs, _OUTPUTS)
    triton_kernels.weights_gradient[layer["WINDOWS"], channels * (outputs // group), lanes](
        tape.images,
        gradient,
        tape.place,
        of_weights,
        of_bias,
        stride_of(tape.images),
        lanes,
        **layer,
        GROUP=group,
        BLOCK=_IMAGES_SUMMED,
        num_warps=1,
    )
    return of_weights.sum(0), of_bias.sum(0)


def images_gradient(unpooled: Unpooled) -> Tensor:
    """Return the gradient of the images; see `convolution`."""
    gradient, tape = unpooled
    layer = layer_of(tape.weights, tape.images)
    images = tape.images.new_empty(len(tape.weights), *tape.images.shape[1:])
    blocks = (layer["SIDE"] // 2) ** 2
    triton_kernels.images_gradient[blocks * triton.cdiv(layer["BATCH"], _IMAGES), len(tape.weights)](
        gradient, tape.place, tape.weights, images, tape.weights.stride(0), **layer, BLOCK=_IMAGES, num_warps=2
    )
    return images


def empty_tape(weights: Tensor, images: Tensor) -> Tape:
    """Return the tape of a layer whose places and output are still to be computed."""
    layer = layer_of(weights, images)
    windows = layer["WINDOWS"]
    output = images.new_empty(len(weights), layer["OUTPUTS"], windows, windows, layer["BATCH"])
    return Tape(images, weights, torch.empty_like(output, dtype=torch.uint8), output)


def empty_gradients(unpooled: Unpooled) -> tuple[Tensor, Tensor]:
    """Return `[windows, *shape]` for the gradients of weights and bias, still to be computed.

    One row of windows each, to be added up: enough programs for a GPU even where there is one lane.
    """
    gradient, tape = unpooled
    lanes, outputs = tape.weights.shape[:2]
    windows = layer_of(tape.weights, tape.images)["WINDOWS"]
    return gradient.new_empty(windows, *tape.weights.shape), gradient.new_empty(windows, lanes, outputs)


def layer_of(weights: Tensor, images: Tensor) -> dict[str, int]:
    """Return what describes a layer to the kernels."""
    outputs, channels = weights.shape[1:3]
    side, batch = images.shape[3:]
    return {"CHANNELS": channels, "OUTPUTS": outputs, "SIDE": side, "WINDOWS": side // 2 - 2, "BATCH": batch}


def stride_of(images: Tensor) -> int:
    """Return the distance between the images of one lane and of the next, 0 where all lanes share them."""
    return images.stride(0) if len(images) > 1 else 0


def _divisor(number: int, most: int) -> int:
    """Return the largest divisor of `number` that is at most `most`."""
    return max(divisor for divisor in range(1, most + 1) if number % divisor == 0)
