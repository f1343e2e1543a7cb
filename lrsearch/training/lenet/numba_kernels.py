"""The loops of `numba_conv`, compiled for one layer and one width of vectors.

Every kernel reads and writes flat arrays of one lane. A layer has C channels of side H, OUT outputs and S = H - 4 rows
of sums, of which pooling keeps P = S / 2. The batch B is last and a multiple of twice the width W, so that vectors hold
neighbouring images and never cross a row. Sums stay in registers: a kernel adds up some outputs at once, as many as
there are registers for (one too many costs twice the time, because sums then go to memory and back).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numba

from lrsearch.training.lenet.vectors import (
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
    width, many = bytes_wide // itemsize, bytes_wide >= _LARGE_WIDTH
    pooled = {1: 6, 6: 4} if many else {1: 2, 6: 2}
    compiled = numba.njit(nogil=True, cache=cache, error_model="numpy")
    return Kernels(
        compiled(_forward(layer, pooled[layer.channels], width)),
        compiled(_unpool(layer, width)),
        compiled(_weights(layer, 5 if many else 1, width)),
        compiled(_images(layer, width)),
    )


def _forward(layer: Layer, at_once: int, W: int) -> Callable[..., None]:
    """Return the loop from x[C, H, H, B] to out[OUT, P, P, B], after pooling, bias and ReLU, and its place likewise."""
    C, H, OUT = layer
    P, SUMS = H // 2 - 2, 4 * at_once

    def forward(x, weights, bias, out, place, B):
        for o in range(0, OUT, at_once):
            for row in range(P):
                for column in range(P):
                    for b in range(0, B, W):
                        total = zeros(x, SUMS, W)
                        for c in range(C):
                            for ky in range(5):
                                pixel = ((c * H + 2 * row + ky) * H + 2 * column) * B + b
                                weight = (o * C + c) * 25 + 5 * ky
                                for _ in range(5):
                                    kernel = spread(weights, weight, C * 25, at_once, W)
                                    total = outer(total, kernel, load_window(x, pixel, B, H * B, W))
                                    pixel += B
                                    weight += 1
                        at = ((o * P + row) * P + column) * B + b
                        pool(total, spread(bias, o, 1, at_once, W), out, place, at, P * P * B)

    return forward


def _unpool(layer: Layer, W: int) -> Callable[..., None]:
    """Return the loop from the gradient g[OUT, P, P, B] back through ReLU and pooling: dz[OUT, S, S, B]."""
    _, H, OUT = layer
    S, P = H - 4, H // 2 - 2

    def unpooled(g, place, dz, B):
        for o in range(OUT):
            for row in range(P):
                for column in range(P):
                    at = ((o * P + row) * P + column) * B
                    for number in range(4):
                        pixel = ((o * S + 2 * row + number // 2) * S + 2 * column + number % 2) * B
                        for b in range(0, B, W):
                            store(dz, pixel + b, W, 1, routed(g, place, at + b, 0, 1, number, W))

    return unpooled


def _weights(layer: Layer, rows: int, W: int) -> Callable[..., None]:
    """Return the loop from x[C, H, H, B] and g[OUT, P, P, B] to dweights[OUT, C, 5, 5] and dbias[OUT].

    Of the four pixels of a window one has the gradient, in each image another: `correlated` fetches the patch of that
    one, where to go through dz, with its zeros, would take four times the products. Each output sums `rows` rows of the
    kernel at once, over all positions.
    """
    C, H, OUT = layer
    P, TAPS, SUMS = H // 2 - 2, 5 * rows, 5 * rows + 1

    def weights_gradient(x, g, place, dweights, dbias, B):
        for o in range(OUT):
            for c in range(C):
                for ky in range(0, 5, rows):
                    total = zeros(x, SUMS, W)
                    pixel, at = (c * H + ky) * H * B, o * P * P * B
                    for _row in range(P):
                        for _column in range(P):
                            for b in range(0, B, W):
                                total = correlated(total, x, pixel + b, B, H * B, g, place, at + b)
                            pixel += 2 * B
                            at += B
                        pixel += 2 * (H - P) * B
                    done = sums(total)
                    for tap in range(TAPS):
                        dweights[(o * C + c) * 25 + 5 * ky + tap] = done[tap]
                    dbias[o] = done[TAPS]

    return weights_gradient


def _images(layer: Layer, W: int) -> Callable[..., None]:
    """Return the loop from dz[OUT, S, S, B] to dx[C, H, H, B]; at the border fewer taps of the kernel reach a pixel."""
    C, H, OUT = layer
    S, SUMS = H - 4, 2 * C

    def images_gradient(dz, weights, dx, B):
        for y in range(H):
            for x in range(H):
                for b in range(0, B, 2 * W):
                    total = zeros(dz, SUMS, W)
                    for o in range(OUT):
                        for ky in range(max(0, y - S + 1), min(5, y + 1)):
                            for kx in range(max(0, x - S + 1), min(5, x + 1)):
                                kernel = spread(weights, o * C * 25 + 5 * ky + kx, 25, C, W)
                                at = ((o * S + y - ky) * S + x - kx) * B + b
                                total = outer(total, kernel, load(dz, at, W, 2, W))
                    store(dx, (y * H + x) * B + b, H * H * B, 2, total)

    return images_gradient
