"""The loops of `step` for a block: a 5x5 convolution, bias, 2x2 max-pooling and ReLU, of one width of vectors.

Every loop reads and writes flat arrays of one lane. A block has C channels of side H and OUT outputs; of the H - 4 rows
of sums, pooling keeps half, P. Images come in tiles of T, `[tiles, H, H, C, T]`, whose numbers of one pixel are a cache
line: what a loop needs again is in the nearest cache. In a row of parameters a block's weights `[OUT, C, 5, 5]` begin
at `start`, and its bias behind them; so do their gradients.

Forward. The four outputs of a pooling window are summed in registers, for some images side by side, and pooled there:
of all that lies between, only the block's output and its place in the window are written. A loop adds up some outputs
at once, as many as there are registers for (one too many costs twice the time, because sums then go to memory and
back).

Backward, with dZ the gradient at its places among the convolution's outputs,

    weights   dW[k] is the sum, over outputs and images, of dZ[place] X[place + k]
    images    dX[pixel] is the sum, over places k in the kernel, of dZ[pixel - k] W[k]

where three of four numbers of dZ are zero, so it is never written out: `blocks` has the gradient of the first
block's weights, whose images have one channel, and `patches` those of the second block.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from lrsearch.training.lenet.processor.target import Target
from lrsearch.training.lenet.processor.vectors import outer, spread, sums, zeros
from lrsearch.training.lenet.processor.windows import correlated, load_window, pool


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


def make_frame(side: int, target: Target) -> Callable[..., None]:
    """Return the loop from numbers[index[tiles * T, H - 4, H - 4]] to out[tiles, H, H, T], in a border of zeros.

    Args:
        side: H, with the border.
        target: for what it is compiled.
    """
    H, S, T = side, side - 4, target.tile

    def frame(index, numbers, out, tiles):
        out[:] = 0
        for tile in range(tiles):
            for row in range(S):
                for column in range(S):
                    first = (tile * T * S + row) * S + column
                    at = ((tile * H + row + 2) * H + column + 2) * T
                    for image in range(T):
                        out[at + image] = numbers[index[first + image * S * S]]

    return target.compiled(frame)


def make_forward(block: Block, target: Target, *, flat: bool) -> Callable[..., None]:
    """Return the loop from x[tiles, H, H, C, T] to the output, pooled and through ReLU, and its place.

    Args:
        block: whose.
        target: for what it is compiled.
        flat: whether the output is `[tiles, OUT, P, P, T]`, as a dense layer reads it, or `[tiles, P, P, OUT, T]`.
    """
    C, H, OUT = block
    T, W, P, WEIGHTS = target.tile, target.width, block.pooled, block.weights
    at_once = (6 if C == 1 else 4) if target.large else 2
    SUMS, OUTPUT, WINDOW = 4 * at_once, *((P * P * T, T) if flat else (T, OUT * T))

    def forward(x, params, start, out, place, tiles):
        for tile in range(tiles):
            for o in range(0, OUT, at_once):
                for row in range(P):
                    for column in range(P):
                        for b in range(0, T, W):
                            total = zeros(x, SUMS, W)
                            for c in range(C):
                                for ky in range(5):
                                    pixel = (((tile * H + 2 * row + ky) * H + 2 * column) * C + c) * T + b
                                    weight = start + (o * C + c) * 25 + 5 * ky
                                    for _ in range(5):
                                        kernel = spread(params, weight, C * 25, at_once, W)
                                        total = outer(total, kernel, load_window(x, pixel, C * T, H * C * T, W))
                                        pixel += C * T
                                        weight += 1
                            bias = spread(params, start + WEIGHTS + o, 1, at_once, W)
                            at = tile * OUT * P * P * T + o * OUTPUT + (row * P + column) * WINDOW + b
                            pool(total, bias, out, place, at, OUTPUT)

    return target.compiled(forward)


def make_first_weights(block: Block, target: Target) -> Callable[..., None]:
    """Return the loop from x[tiles, H, H, T] and g[tiles, P, P, OUT, T] to the gradients of weights and bias.

    In each image one of the four pixels of a window has the gradient. `correlated` fetches the patch of that one; to go
    through all of dZ would take four times the products. Each output sums `rows` rows of the kernel at once.

    Args:
        block: whose, of one channel.
        target: for what it is compiled.
    """
    _, H, OUT = block
    T, W, P, rows = target.tile, target.width, block.pooled, 5 if target.large else 1
    TAPS, SUMS = 5 * rows, 5 * rows + 1

    def weights_gradient(x, g, place, gradient, start, tiles):
        for o in range(OUT):
            for ky in range(0, 5, rows):
                total = zeros(x, SUMS, W)
                for tile in range(tiles):
                    for b in range(0, T, W):
                        pixel, at = (tile * H + ky) * H * T + b, (tile * P * P * OUT + o) * T + b
                        for _row in range(P):
                            for _column in range(P):
                                total = correlated(total, x, pixel, T, H * T, g, place, at)
                                pixel += 2 * T
                                at += OUT * T
                            pixel += 2 * (H - P) * T
                done = sums(total)
                for tap in range(TAPS):
                    gradient[start + o * 25 + 5 * ky + tap] = done[tap]
                gradient[start + OUT * 25 + o] = done[TAPS]

    return target.compiled(weights_gradient)
