"""The loops of `numba_lenet` for a block: a 5x5 convolution, bias, 2x2 max-pooling and ReLU, of one width of vectors.

Every loop reads and writes flat arrays of one lane. A block has C channels of side H, OUT outputs and S = H - 4 rows of
sums, of which pooling keeps P = S / 2. Images come in tiles of T, whose numbers of one pixel are a cache line: the
pixels of a tile, its images last, then those of the next, so that what a loop needs again is in the nearest cache.

Forward. The four outputs of a pooling window are summed in registers, for some images side by side, and pooled there:
of all that lies between, only the block's output and its place in the window are written. A loop adds up some outputs
at once, as many as there are registers for (one too many costs twice the time, because sums then go to memory and
back). Backward, with dZ the gradient at its places among the convolution's outputs,

    weights   dW[k] is the sum, over outputs and images, of dZ[place] X[place + k]
    images    dX[pixel] is the sum, over places k in the kernel, of dZ[pixel - k] W[k]
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numba

from lrsearch.training.lenet.vector_windows import correlated, load_window, pool, routed
from lrsearch.training.lenet.vectors import add, load, outer, spread, store, sums, zeros


class Block(NamedTuple):
    """A block for which loops are compiled: C, H and OUT as above."""

    channels: int
    side: int
    outputs: int

    @property
    def weights(self) -> int:
        """How many there are."""
        return self.outputs * self.channels * 25

    @property
    def pooled(self) -> int:
        """The side of the output, P as above."""
        return self.side // 2 - 2


class BlockKernels(NamedTuple):
    """The compiled loops of one block."""

    forward: Callable[..., None]
    weights: Callable[..., None]
    images: Callable[..., None]


def make_block_kernels(block: Block, tile: int, width: int, *, large: bool, cache: bool) -> BlockKernels:
    """Return the loops of a block, which are compiled when they are first called.

    Args:
        block: whose.
        tile: images in a tile.
        width: numbers in a vector.
        large: whether the processor has 32 registers for vectors and not 16.
        cache: whether compiled code is kept in Numba's cache.
    """
    pooled = {1: 6, 6: 4} if large else {1: 2, 6: 2}
    compiled = numba.njit(nogil=True, cache=cache, error_model="numpy")
    return BlockKernels(
        compiled(_forward(block, pooled[block.channels], tile, width)),
        compiled(_weights(block, 5 if large else 1, tile, width)),
        compiled(_images(block, tile, width)),
    )


def make_frame(side: int, tile: int, *, cache: bool) -> Callable[..., None]:
    """Return the loop from numbers[index[tiles * T, H - 4, H - 4]] to out[tiles, H, H, T], in a border of zeros.

    Args:
        side: H, with the border.
        tile: T, images in a tile.
        cache: whether compiled code is kept in Numba's cache.
    """
    H, S, T = side, side - 4, tile

    def frame(index, numbers, out, tiles):
        out[:] = 0
        for tile in range(tiles):
            for row in range(S):
                for column in range(S):
                    first = (tile * T * S + row) * S + column
                    at = ((tile * H + row + 2) * H + column + 2) * T
                    for image in range(T):
                        out[at + image] = numbers[index[first + image * S * S]]

    return numba.njit(nogil=True, cache=cache, error_model="numpy")(frame)


def _forward(block: Block, at_once: int, T: int, W: int) -> Callable[..., None]:
    """Return the loop from x[tiles, C, H, H, T] to out[tiles, OUT, P, P, T], pooled and through ReLU, and its place."""
    C, H, OUT = block
    P, SUMS = H // 2 - 2, 4 * at_once

    def forward(x, weights, bias, out, place, tiles):
        for tile in range(tiles):
            for o in range(0, OUT, at_once):
                for row in range(P):
                    for column in range(P):
                        for b in range(0, T, W):
                            total = zeros(x, SUMS, W)
                            for c in range(C):
                                for ky in range(5):
                                    pixel = (((tile * C + c) * H + 2 * row + ky) * H + 2 * column) * T + b
                                    weight = (o * C + c) * 25 + 5 * ky
                                    for _ in range(5):
                                        kernel = spread(weights, weight, C * 25, at_once, W)
                                        total = outer(total, kernel, load_window(x, pixel, T, H * T, W))
                                        pixel += T
                                        weight += 1
                            at = (((tile * OUT + o) * P + row) * P + column) * T + b
                            pool(total, spread(bias, o, 1, at_once, W), out, place, at, P * P * T)

    return forward


def _weights(block: Block, rows: int, T: int, W: int) -> Callable[..., None]:
    """Return the loop from x[tiles, C, H, H, T] and g[tiles, OUT, P, P, T] to dweights[OUT, C, 5, 5] and dbias[OUT].

    In each image one of the four pixels of a window has the gradient. `correlated` fetches the patch of that one; to go
    through dz, most of it zeros, would take four times the products. Each output sums `rows` rows of the kernel at
    once, over all positions.
    """
    C, H, OUT = block
    P, TAPS, SUMS = H // 2 - 2, 5 * rows, 5 * rows + 1

    def weights_gradient(x, g, place, dweights, dbias, tiles):
        for o in range(OUT):
            for c in range(C):
                for ky in range(0, 5, rows):
                    total = zeros(x, SUMS, W)
                    for tile in range(tiles):
                        for b in range(0, T, W):
                            pixel, at = ((tile * C + c) * H + ky) * H * T + b, (tile * OUT + o) * P * P * T + b
                            for _row in range(P):
                                for _column in range(P):
                                    total = correlated(total, x, pixel, T, H * T, g, place, at)
                                    pixel += 2 * T
                                    at += T
                                pixel += 2 * (H - P) * T
                    done = sums(total)
                    for tap in range(TAPS):
                        dweights[(o * C + c) * 25 + 5 * ky + tap] = done[tap]
                    dbias[o] = done[TAPS]

    return weights_gradient


def _images(block: Block, T: int, W: int) -> Callable[..., None]:
    """Return the loop from g[tiles, OUT, P, P, T] to dx[tiles, C, H, H, T]; at the border fewer taps reach a pixel.

    The gradient is first put to its places in dz[OUT, S, S, T], a tile at a time. Even and odd outputs have sums of
    their own: of one kind alone there are too few for the processor to work ahead.
    """
    C, H, OUT = block
    S, P, VECTORS = H - 4, H // 2 - 2, T // W

    def images_gradient(g, place, dz, weights, dx, tiles):
        for tile in range(tiles):
            for o in range(OUT):
                for row in range(P):
                    for column in range(P):
                        at = (((tile * OUT + o) * P + row) * P + column) * T
                        for number in range(4):
                            pixel = ((o * S + 2 * row + number // 2) * S + 2 * column + number % 2) * T
                            store(dz, pixel, W, VECTORS, routed(g, place, at, W, VECTORS, number, W))
            for y in range(H):
                for x in range(H):
                    for b in range(0, T, W):
                        even, odd = zeros(dz, C, W), zeros(dz, C, W)
                        for o in range(0, OUT, 2):
                            for ky in range(max(0, y - S + 1), min(5, y + 1)):
                                for kx in range(max(0, x - S + 1), min(5, x + 1)):
                                    at = ((o * S + y - ky) * S + x - kx) * T + b
                                    weight = o * C * 25 + 5 * ky + kx
                                    even = outer(even, spread(weights, weight, 25, C, W), load(dz, at, W, 1, W))
                                    weight += C * 25
                                    odd = outer(
                                        odd, spread(weights, weight, 25, C, W), load(dz, at + S * S * T, W, 1, W)
                                    )
                        store(dx, ((tile * C * H + y) * H + x) * T + b, H * H * T, 1, add(even, odd))

    return images_gradient
