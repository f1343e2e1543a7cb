"""The step's sums as matrix products on the tensor cores of a GPU, in three passes of TensorFloat-32.

A float32 number is a + b with a of TensorFloat-32's ten bits and b of the ten bits behind: the sum of the products
a a', a b' and b a' differs from the product of the numbers by about 1e-6 of it. Sums are taken in float32, in the same
order at every number of lanes. The block is that of `triton_conv`, whose tape this has, with other kernels.
"""

from __future__ import annotations

import triton
from torch import Tensor

from lrsearch.training.lenet import triton_dot_kernels
from lrsearch.training.lenet.triton_conv import (
    Tape,
    Unpooled,
    columns,
    empty_gradients,
    empty_tape,
    layer_of,
    stored_columns,
    stride_of,
    unpool,
)

__all__ = [
    "columns",
    "forward",
    "images_gradient",
    "matmul",
    "stored_columns",
    "unpool",
    "weights_gradient",
]

PRECISION = "tf32x3"
"""Triton's name of three passes."""

_LEAST = 16
"""The smallest side of a product."""
_IMAGES, _TAPS, _WARPS = 64, 32, 4
_TILE = {"ROWS": 32, "COLUMNS": 64, "DEPTH": 32}


def forward(weights: Tensor, bias: Tensor, images: Tensor) -> Tape:
    """Convolve, pool, add the bias and apply ReLU; see `convolution`."""
    lanes, outputs = weights.shape[:2]
    layer, tape = layer_of(weights, images), empty_tape(weights, images)
    windows, batch = layer["WINDOWS"], layer["BATCH"]
    triton_dot_kernels.forward[windows * windows * triton.cdiv(batch, _IMAGES), lanes](
        images,
        weights,
        bias,
        tape.output,
        tape.place,
        stride_of(images),
        weights.stride(0),
        bias.stride(0),
        **layer,
        ROWS=_side(outputs),
        TAPS=_TAPS,
        BLOCK=_IMAGES,
        PRECISION=PRECISION,
        num_warps=_WARPS,
    )
    return tape


def weights_gradient(unpooled: Unpooled) -> tuple[Tensor, Tensor]:
    """Return the gradients of weights and bias; see `convolution`."""
    gradient, tape = unpooled
    lanes, outputs, channels = tape.weights.shape[:3]
    layer, (of_weights, of_bias) = layer_of(tape.weights, tape.images), empty_gradients(unpooled)
    triton_dot_kernels.weights_gradient[layer["WINDOWS"], triton.cdiv(25 * channels, _TAPS), lanes](
        tape.images,
        gradient,
        tape.place,
        of_weights,
        of_bias,
        stride_of(tape.images),
        lanes,
        **layer,
        ROWS=_side(outputs),
        TAPS=_TAPS,
        BLOCK=_IMAGES,
        PRECISION=PRECISION,
        num_warps=_WARPS,
    )
    return of_weights.sum(0), of_bias.sum(0)


def images_gradient(unpooled: Unpooled) -> Tensor:
    """Return the gradient of the images; see `convolution`."""
    gradient, tape = unpooled
    layer = layer_of(tape.weights, tape.images)
    images = tape.images.new_empty(len(tape.weights), *tape.images.shape[1:])
    blocks = (layer["SIDE"] // 2) ** 2
    triton_dot_kernels.images_gradient[blocks * triton.cdiv(layer["BATCH"], _IMAGES), len(tape.weights)](
        gradient,
        tape.place,
        tape.weights,
        images,
        tape.weights.stride(0),
        **layer,
        ROWS=_side(layer["OUTPUTS"]),
        PIXELS=_side(4 * layer["CHANNELS"]),
        BLOCK=_IMAGES,
        PRECISION=PRECISION,
        num_warps=_WARPS,
    )
    return images


def matmul(a: Tensor, b: Tensor) -> Tensor:
    """Return the products `[N, m, n]` of `a[N, m, k]` and `b[N, k, n]`, or `b[1, k, n]` for all lanes."""
    lanes, m, k = a.shape
    n = b.shape[2]
    c = a.new_empty(lanes, m, n)
    tiles = triton.cdiv(m, _TILE["ROWS"]) * triton.cdiv(n, _TILE["COLUMNS"])
    triton_dot_kernels.product[tiles, lanes](
        a,
        b,
        c,
        a.stride(0),
        stride_of(b),
        *a.stride()[1:],
        *b.stride()[1:],
        m,
        n,
        k,
        **_TILE,
        PRECISION=PRECISION,
        num_warps=_WARPS,
    )
    return c


def _side(length: int) -> int:
    """Return the side of a product that holds a number of rows."""
    return max(_LEAST, int(triton.next_power_of_2(length)))
