"""The loops of `numba_conv`, compiled for one layer and one width of vectors.

Every kernel reads and writes flat arrays of one lane. A layer has C channels of side H, OUT outputs and S = H - 4 rows
of sums, of which pooling keeps P = S / 2. Images come in tiles of T, whose numbers of one pixel are a cache line: the
pixels of a tile, its images last, then those of the next, so that what a loop needs again is in the nearest cache. Sums
stay in registers: a kernel adds up some outputs at once, as many as there are registers for (one too many costs twice
the time, because sums then go to memory and back).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numba

from lrsearch.training.lenet.vectors import (
    add,
    correlated,
    load,
    load_window,
    outer,
    pool,
    routed,
    spread,
    store,
    sums,
    zeros,
)

CACHE_LINE = 64
"""Bytes of a line of the cache."""

_LARGE_WIDTH = 64
"""Bytes of a vector where there are 32 registers and not 16."""


class Layer(NamedTuple):
    """A layer for which kernels are compiled: C, H and OUT as above."""

    channels: int
    side: int
    outputs: int


class Kernels(NamedTuple):
    """The compiled loops of one layer."""

    forward: Callable[..., None]
    unpool: Callable[..., None]
    weights: Callable[..., None]
    images: Callable[..., None]


def make_kernels(layer: Layer, bytes_wide: int, itemsize: int, *, cache: bool) -> Kernels:
    """Return the kernels of a layer, which are compiled when they are first called.

    Args:
        layer: whose.
        bytes_wide: the width of a vector, from which the number of registers follows.
        itemsize: bytes of a number.
        cache: whether compiled code is kept in Numba's cache.
    """
    width, tile, many = bytes_wide // itemsize, CACHE_LINE // itemsize, bytes_wide >= _LARGE_WIDTH
    pooled = {1: 6, 6: 4} if many else {1: 2, 6: 2}
    compiled = numba.njit(nogil=True, cache=cache, error_model="numpy")
    return Kernels(
        compiled(_forward(layer, pooled[layer.channels], tile, width)),
        compiled(_unpool(layer, tile, width)),
        compiled(_weights(layer, 5 if many else 1, tile, width)),
        compiled(_images(layer, tile, width)),
    )


def _forward(layer: Layer, at_once: int, T: int, W: int) -> Callable[..., None]:
    """Return the loop from x[tiles, C, H, H, T] to out[tiles, OUT, P, P, T], pooled and through ReLU, and its place."""
    C, H, OUT = layer
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


def _unpool(layer: Layer, T: int, W: int) -> Callable[..., None]:
    """Return the loop from g[tiles, OUT, P, P, T] back through ReLU and pooling to dz[tiles, OUT, S, S, T]."""
    _, H, OUT = layer
    S, P, VECTORS = H - 4, H // 2 - 2, T // W

    def unpooled(g, place, dz, tiles):
        for output in range(tiles * OUT):
            for row in range(P):
                for column in range(P):
                    at = ((output * P + row) * P + column) * T
                    for number in range(4):
                        pixel = ((output * S + 2 * row + number // 2) * S + 2 * column + number % 2) * T
                        store(dz, pixel, W, VECTORS, routed(g, place, at, W, VECTORS, number, W))

    return unpooled


def _weights(layer: Layer, rows: int, T: int, W: int) -> Callable[..., None]:
    """Return the loop from x[tiles, C, H, H, T] and g[tiles, OUT, P, P, T] to dweights[OUT, C, 5, 5] and dbias[OUT].

    In each image one of the four pixels of a window has the gradient. `correlated` fetches the patch of that one; to go
    through dz, most of it zeros, would take four times the products. Each output sums `rows` rows of the kernel at
    once, over all positions.
    """
    C, H, OUT = layer
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


def _images(layer: Layer, T: int, W: int) -> Callable[..., None]:
    """Return the loop from dz[tiles, OUT, S, S, T] to dx[tiles, C, H, H, T]; at the border fewer taps reach a pixel.

    Even and odd outputs have sums of their own: of one kind alone there are too few for the processor to work ahead.
    """
    C, H, OUT = layer
    S = H - 4

    def images_gradient(dz, weights, dx, tiles):
        for tile in range(tiles):
            for y in range(H):
                for x in range(H):
                    for b in range(0, T, W):
                        even, odd = zeros(dz, C, W), zeros(dz, C, W)
                        for o in range(0, OUT, 2):
                            for ky in range(max(0, y - S + 1), min(5, y + 1)):
                                for kx in range(max(0, x - S + 1), min(5, x + 1)):
                                    at = (((tile * OUT + o) * S + y - ky) * S + x - kx) * T + b
                                    weight = o * C * 25 + 5 * ky + kx
                                    even = outer(even, spread(weights, weight, 25, C, W), load(dz, at, W, 1, W))
                                    weight += C * 25
                                    odd = outer(
                                        odd, spread(weights, weight, 25, C, W), load(dz, at + S * S * T, W, 1, W)
                                    )
                        store(dx, ((tile * C * H + y) * H + x) * T + b, H * H * T, 1, add(even, odd))

    return images_gradient
