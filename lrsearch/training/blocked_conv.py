"""A 5x5 convolution followed by bias, 2x2 max-pooling and ReLU, for many lanes, with its gradient written out.

Layout. Activations are `[N, C, H, W, B]`: lanes first, the batch last. The batch is long and contiguous, so whatever
runs over it is vectorised however few channels there are.

Forward. The four outputs of one pooling window see a 6x6 patch of the input. `patches` lays these patches out as
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
    `patches` copies pixels: the gradient of a pixel is the sum over its copies in dX                 (`unpatch`)

Ties go to the first maximum in the order (0, 0), (0, 1), (1, 0), (1, 1), as in `max_pool2d`.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

_KERNEL = 5
_PATCH = _KERNEL + 1
_ROWS = _PATCH * _PATCH
_SHIFTS = ((0, 0), (0, 1), (1, 0), (1, 1))

_relu_gradient = torch.ops.aten.threshold_backward

_HAS_ONEDNN = (
    torch.backends.mkldnn.is_available()
    and torch.backends.cpu.get_cpu_capability().startswith("AVX512")
    and hasattr(torch.ops.mkldnn, "_linear_pointwise")
)
_LONG_SUM = 1024


def _is_intel() -> bool:
    """Return whether this is known to be a processor of Intel's; Linux alone says so."""
    try:
        return "GenuineIntel" in Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return False


_IS_INTEL = _is_intel()


class Tape(NamedTuple):
    """What the backward pass of `pool` needs; consumed by it.

    Attributes:
        z: `[N, 2, 2, O, S]`, the convolution's outputs by the row and column of their place in the window.
        rows: `[N, 2, O, S]`, the maximum of each row of the window.
        output: `[N, O, S]`.
    """

    z: Tensor
    rows: Tensor
    output: Tensor


def matmul(a: Tensor, b: Tensor) -> Tensor:
    """Return the products `[N, m, n]` of `a[N, m, k]` and `b[N, k, n]`, or `b[1, k, n]` for all lanes."""
    lanes = len(a)
    if lanes == 1 and _onednn_is_faster(a, b):
        # Inductor takes oneDNN's operation for constant weights only; it leaves one that it does not know alone.
        product = _opaque_product if torch.compiler.is_compiling() else _product
        return product(a[0], b[0]).unsqueeze(0)
    if len(b) < lanes:
        return a.flatten(0, 1).mm(b[0]).view(lanes, -1, b.shape[2])
    return a.bmm(b)


def _onednn_is_faster(a: Tensor, b: Tensor) -> bool:
    """Return whether oneDNN multiplies faster than MKL, which PyTorch takes for float32 on a processor.

    MKL keeps to AVX2 on processors that are not Intel's; on Intel's it is slow only where few rows and columns meet in
    a long sum, as in the gradients of the kernels.
    """
    if not _HAS_ONEDNN or a.dtype != torch.float32 or a.is_cuda:
        return False
    return not _IS_INTEL or b.shape[1] >= _LONG_SUM


def _product(a: Tensor, b: Tensor) -> Tensor:
    """Return the float32 product `[m, n]` of `a[m, k]` and `b[k, n]`, which may be transposed views, by oneDNN."""
    product: Tensor = torch.ops.mkldnn._linear_pointwise(a, b.T, None, "none", [], "")
    return product


_opaque_product = torch.library.custom_op("lrsearch::product", _product, mutates_args=())
_opaque_product.register_fake(lambda a, b: a.new_empty(a.shape[0], b.shape[1]))


def patches(images: Tensor) -> Tensor:
    """Return the 6x6 patches, two pixels apart, of `images[N, C, H, W, B]` as columns `[N, C * 36, S]`."""
    lanes, channels = images.shape[:2]
    windows = images.unfold(2, _PATCH, 2).unfold(3, _PATCH, 2)
    return windows.permute(0, 1, 5, 6, 2, 3, 4).reshape(lanes, channels * _ROWS, -1)


def unpatch(gradient: Tensor, channels: int, batch: int) -> Tensor:
    """Return the gradient `[N, C, H, W, B]` of square images from that of their `patches`, `[N, C * 36, S]`."""
    lanes, _, columns = gradient.shape
    side = round((columns // batch) ** 0.5)
    # A patch has 3x3 places of 2x2 pixels, and so have the images: each place is one addition of whole slices.
    parts = gradient.view(lanes, channels, 3, 2, 3, 2, side, side, batch).permute(0, 1, 2, 4, 6, 3, 7, 5, 8)
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


def gather(gradient: Tensor, channels: int) -> Tensor:
    """Return the gradient `[N, O, C, 5, 5]` of the kernels from that of their `spread`, `[N, 4 * O, C * 36]`."""
    frames = gradient.view(len(gradient), len(_SHIFTS), -1, channels, _PATCH, _PATCH)
    cuts = [frames[:, p, :, :, y : y + _KERNEL, x : x + _KERNEL] for p, (y, x) in enumerate(_SHIFTS)]
    return cuts[0] + cuts[1] + cuts[2] + cuts[3]


def pool(z: Tensor, bias: Tensor) -> Tape:
    """Pool the convolution's outputs `z[N, 4 * O, S]`, then add `bias[N, O]` and apply ReLU."""
    places = z.view(len(z), 2, 2, bias.shape[1], -1)
    rows = torch.maximum(places[:, :, 0], places[:, :, 1])
    output = torch.maximum(rows[:, 0], rows[:, 1]).add_(bias.unsqueeze(2)).relu_()
    return Tape(places, rows, output)


def pool_gradient(gradient: Tensor, tape: Tape) -> tuple[Tensor, Tensor]:
    """Return `dZ[N, 4 * O, S]` and `db[N, O]` for the output's gradient `[N, O, S]`; overwrites the tape."""
    gradient = _relu_gradient(gradient, tape.output, 0)
    _route(gradient, tape.rows[:, 0], tape.rows[:, 1])
    _route(tape.rows, tape.z[:, :, 0], tape.z[:, :, 1])
    return tape.z.flatten(1, 3), gradient.sum(2)


def _route(gradient: Tensor, first: Tensor, second: Tensor) -> None:
    """Overwrite two values by the gradients of `maximum(first, second)`; a tie goes to the first."""
    second.sub_(first)
    second.copy_(_relu_gradient(gradient, second, 0))
    first.copy_(gradient).sub_(second)
