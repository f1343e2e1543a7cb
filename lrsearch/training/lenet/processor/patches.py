"""The gradients of `step`'s second block, image by image.

In each image and output one pixel of a pooling window has the gradient. It is another one in each image, so that images
cannot go side by side in a vector; what does is a row of pixels under the kernel, with all their channels. A tile of
images is transposed for it, from `[H, H, C, T]` to rows `[T, H, H, C]`, and their gradient back. Notation as in
`blocks`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from lrsearch.training.lenet.processor.blocks import Block
from lrsearch.training.lenet.processor.target import Target
from lrsearch.training.lenet.processor.vectors import add, load, outer, spread, store, sums, transposed, zeros

_IMAGES = 4
"""How many images are summed in registers before the sum goes to memory; divides T."""


class PatchKernels(NamedTuple):
    """The compiled loops."""

    weights: Callable[..., None]
    images: Callable[..., None]


def make_patch_kernels(block: Block, target: Target) -> PatchKernels:
    """Return the loops, which are compiled when they are first called.

    Args:
        block: whose.
        target: for what they are compiled.
    """
    return PatchKernels(
        target.compiled(_weights(block, target.tile, target.width)),
        target.compiled(_images(block, target.tile, target.width, large=target.large)),
    )


def rows_size(block: Block, tile: int, width: int) -> int:
    """Return how many numbers there are in the rows of a tile's images, with room for a vector behind them."""
    return tile * block.side**2 * block.channels + width


def table_size(block: Block, width: int) -> int:
    """Return how many numbers there are in the largest table of a loop."""
    return 2 * block.outputs * 7 * -(-6 * block.channels // width) * width


def _weights(block: Block, T: int, W: int) -> Callable[..., None]:
    """Return the loop from x[tiles, H, H, C, T] and g[tiles, OUT, P, P, T] to the gradients of weights and bias.

    `rows` is room for a tile of x by images, and `table` for the sums `[OUT, 5, ROW]`, where a row is one of the kernel
    with all its channels.
    """
    C, H, OUT = block
    P, PIXELS = block.pooled, H * H * C
    ACROSS = min(2, -(-5 * C // W))
    SUMS, ROW = 5 * ACROSS, -(-5 * C // (ACROSS * W)) * ACROSS * W

    def weights_gradient(x, g, place, rows, table, gradient, start, tiles):
        table[:] = 0
        for tile in range(tiles):
            for b in range(0, T, W):
                for first in range(0, PIXELS, W):
                    pixel = min(first, PIXELS - W)
                    square = transposed(load(x, (tile * PIXELS + pixel) * T + b, T, 1, W, W))
                    store(rows, b * PIXELS + pixel, PIXELS, 1, square)
            for group in range(0, T, _IMAGES):
                for o in range(OUT):
                    for part in range(0, ROW, ACROSS * W):
                        total = zeros(g, SUMS, W)
                        for image in range(group, group + _IMAGES):
                            at = (tile * OUT + o) * P * P * T + image
                            for row in range(P):
                                for column in range(P):
                                    right, lower = place[at] & 1, place[at] >> 1 & 1
                                    pixel = ((image * H + 2 * row + lower) * H + 2 * column + right) * C + part
                                    patch = load(rows, pixel, H * C, ACROSS, SUMS, W)
                                    total = outer(total, spread(g, at, 1, 1, W), patch)
                                    at += T
                        at = o * 5 * ROW + part
                        store(table, at, ROW, ACROSS, add(total, load(table, at, ROW, ACROSS, SUMS, W)))
        for o in range(OUT):
            for c in range(C):
                for ky in range(5):
                    for kx in range(5):
                        tap = start + ((o * C + c) * 5 + ky) * 5 + kx
                        gradient[tap] = table[(o * 5 + ky) * ROW + kx * C + c]
            total = zeros(g, 1, W)
            for tile in range(tiles):
                for at in range((tile * OUT + o) * P * P * T, (tile * OUT + o + 1) * P * P * T, W):
                    total = add(total, load(g, at, W, 1, 1, W))
            gradient[start + OUT * C * 25 + o] = sums(total)[0]

    return weights_gradient


def _images(block: Block, T: int, W: int, *, large: bool) -> Callable[..., None]:
    """Return the loop from g[tiles, OUT, P, P, T] to dx[tiles, H, H, C, T].

    An output gives its kernel, at its place, to the 6x6 pixels that its window sees. `table` has each kernel at both
    places of a row, with a row of zeros above and one below: `[parts, 2, OUT, 7, PART]`. A part is as many vectors of a
    row as there are registers for.
    """
    C, H, OUT = block
    P, PIXELS, VECTORS = block.pooled, H * H * C, -(-6 * C // W)
    ACROSS = VECTORS if large and VECTORS < 4 else 1
    SUMS, PART = 6 * ACROSS, ACROSS * W

    def images_gradient(g, place, params, start, table, rows, dx, tiles):
        table[:] = 0
        for o in range(OUT):
            for c in range(C):
                for tap in range(25):
                    for right in range(2):
                        part, beside = divmod((tap % 5 + right) * C + c, PART)
                        at = (((part * 2 + right) * OUT + o) * 7 + 1 + tap // 5) * PART + beside
                        table[at] = params[start + (o * C + c) * 25 + tap]
        for tile in range(tiles):
            for image in range(T):
                for pixel in range(image * PIXELS, (image + 1) * PIXELS):
                    rows[pixel] = 0
                for row in range(P):
                    for column in range(P):
                        for part in range(VECTORS // ACROSS):
                            total = zeros(g, SUMS, W)
                            at = (tile * OUT * P * P + row * P + column) * T + image
                            for o in range(OUT):
                                right, upper = place[at] & 1, 1 - (place[at] >> 1 & 1)
                                kernel = (((part * 2 + right) * OUT + o) * 7 + upper) * PART
                                total = outer(total, spread(g, at, 1, 1, W), load(table, kernel, W, 1, SUMS, W))
                                at += P * P * T
                            pixel = ((image * H + 2 * row) * H + 2 * column) * C + part * PART
                            before = load(rows, pixel, H * C, ACROSS, SUMS, W)
                            store(rows, pixel, H * C, ACROSS, add(total, before))
            for b in range(0, T, W):
                for first in range(0, PIXELS, W):
                    pixel = min(first, PIXELS - W)
                    square = transposed(load(rows, b * PIXELS + pixel, PIXELS, 1, W, W))
                    store(dx, (tile * PIXELS + pixel) * T + b, T, 1, square)

    return images_gradient
