"""The loops of `step` for dense layers and the loss, of one type and width of vectors.

As in `blocks`, arrays are flat and of one lane, and images come in tiles of T, `[tiles, features, T]`. A layer has
IN inputs and OUT outputs; in a row of parameters its weights `[OUT, IN]` begin at `start`, and its bias behind them.
Loops go in blocks of a constant size, whose sums stay in registers; the last block begins early enough to end with the
layer, and gives what it shares with the one before the same numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from lrsearch.training.lenet.processor.target import Target
from lrsearch.training.lenet.processor.vectors import (
    add,
    load,
    opened,
    outer,
    rectified,
    spread,
    store,
    sums,
    transposed,
    zeros,
)

_AT_ONCE = 10
"""Features in a block: enough for the processor to work ahead, and few enough for 16 registers."""


class DenseKernels(NamedTuple):
    """The compiled loops."""

    forward: Callable[..., None]
    cross_entropy: Callable[..., float]
    weights: Callable[..., None]
    inputs: Callable[..., None]


def make_dense_kernels(target: Target) -> DenseKernels:
    """Return the loops, which are compiled when they are first called.

    Args:
        target: for what they are compiled.
    """
    tile, width = target.tile, target.width
    return DenseKernels(
        target.compiled(_forward(_AT_ONCE, tile, width)),
        target.compiled(_cross_entropy(tile)),
        target.compiled(_weights(*((5, 5) if target.large else (4, 3)), tile, width)),
        target.compiled(_inputs(_AT_ONCE, tile, width)),
    )


def _forward(at_once: int, T: int, W: int) -> Callable[..., None]:
    """Return the loop from x[tiles, IN, T] to out[tiles, OUT, T], through ReLU where it is asked for."""

    def forward(x, params, start, out, IN, OUT, tiles, relu):
        for tile in range(tiles):
            for b in range(0, T, W):
                for block in range(0, OUT, at_once):
                    o = min(block, OUT - at_once)
                    total = spread(params, start + OUT * IN + o, 1, at_once, W)
                    for i in range(IN):
                        image = load(x, (tile * IN + i) * T + b, W, 1, 1, W)
                        total = outer(total, spread(params, start + o * IN + i, IN, at_once, W), image)
                    if relu:
                        total = rectified(total)
                    store(out, (tile * OUT + o) * T + b, T, 1, total)

    return forward


def _cross_entropy(T: int) -> Callable[..., float]:
    """Return the loop from outputs[tiles, OUT, T] and labels[B] to the mean loss, and its gradient d[tiles, OUT, T].

    The gradient of images behind the batch's last is zero. A label that is no class is an IndexError, as in PyTorch.
    """

    def cross_entropy(outputs, labels, d, OUT):
        batch = len(labels)
        loss = outputs.dtype.type(0)
        d[:] = 0
        for image in range(batch):
            if not 0 <= labels[image] < OUT:
                raise IndexError("a label is out of bounds: it must be the number of a class, from 0")
            first = image // T * OUT * T + image % T
            largest = outputs[first]
            for k in range(1, OUT):
                largest = max(largest, outputs[first + k * T])
            total = outputs.dtype.type(0)
            for k in range(OUT):
                exponential = math.exp(outputs[first + k * T] - largest)
                d[first + k * T] = exponential
                total += exponential
            for k in range(OUT):
                d[first + k * T] /= total * batch
            label = first + labels[image] * T
            loss += math.log(total) - (outputs[label] - largest)
            d[label] -= 1 / batch
        return loss / batch

    return cross_entropy


def _weights(down: int, across: int, T: int, W: int) -> Callable[..., None]:
    """Return the loop from x[tiles, IN, T] and d[tiles, OUT, T] to the gradients of weights and bias.

    Vectors lie along the inputs: x is transposed first, to rows[tiles * T, IN].
    """
    SUMS, BLOCK = down * across, across * W

    def weights_gradient(x, d, rows, gradient, start, IN, OUT, tiles):
        for tile in range(tiles):
            for b in range(0, T, W):
                for first in range(0, IN, W):
                    i = min(first, IN - W)
                    square = transposed(load(x, (tile * IN + i) * T + b, T, 1, W, W))
                    store(rows, (tile * T + b) * IN + i, IN, 1, square)
        for block in range(0, IN, BLOCK):
            i = min(block, IN - BLOCK)
            for first in range(0, OUT, down):
                o = min(first, OUT - down)
                total = zeros(d, SUMS, W)
                for tile in range(tiles):
                    for t in range(T):
                        image = load(rows, (tile * T + t) * IN + i, W, 1, across, W)
                        total = outer(total, spread(d, (tile * OUT + o) * T + t, T, down, W), image)
                store(gradient, start + o * IN + i, IN, across, total)
        for o in range(OUT):
            both = zeros(d, 1, W)
            for tile in range(tiles):
                for b in range(0, T, W):
                    both = add(both, load(d, (tile * OUT + o) * T + b, W, 1, 1, W))
            gradient[start + OUT * IN + o] = sums(both)[0]

    return weights_gradient


def _inputs(at_once: int, T: int, W: int) -> Callable[..., None]:
    """Return the loop from d[tiles, OUT, T] to dx[tiles, IN, T], through the ReLU that x[tiles, IN, T] came out of."""

    def inputs_gradient(d, params, start, x, dx, IN, OUT, tiles):
        for tile in range(tiles):
            for b in range(0, T, W):
                for block in range(0, IN, at_once):
                    i = min(block, IN - at_once)
                    total = zeros(d, at_once, W)
                    for o in range(OUT):
                        of_output = load(d, (tile * OUT + o) * T + b, W, 1, 1, W)
                        total = outer(total, spread(params, start + o * IN + i, 1, at_once, W), of_output)
                    at = (tile * IN + i) * T + b
                    store(dx, at, T, 1, opened(total, load(x, at, T, 1, at_once, W)))

    return inputs_gradient
