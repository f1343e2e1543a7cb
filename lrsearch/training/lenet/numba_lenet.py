"""The step of the LeNet on a processor: loops in Numba, one lane after another, with nothing of PyTorch in between.

A batch is cut into tiles of T images, `[tiles, C, H, W, T]`, all the way: a tile's images and all that is made of them
stay in the cache. It is filled up with black images, whose gradient is zero. Sums are taken in one order for all
numbers of lanes, threads and processes; another width of vectors has another order in the gradients of weights.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from lrsearch.training.lenet.numba_cache import compiled_in_cache
from lrsearch.training.lenet.numba_conv import Block, BlockKernels, make_block_kernels, make_frame
from lrsearch.training.lenet.numba_dense import DenseKernels, make_dense_kernels
from lrsearch.training.lenet.vectors import vector_bytes
from lrsearch.workloads.fashion_lenet import normalise

BLOCKS = (Block(1, 32, 6), Block(6, 14, 16))
"""The convolutional part of the LeNet."""

_FEATURES = (400, 120, 84, 10)
_SIZES = [size for block in BLOCKS for size in (block.weights, block.outputs)]
_SIZES += [size for inputs, outputs in pairwise(_FEATURES) for size in (inputs * outputs, outputs)]
_BOUNDS = list(pairwise(accumulate(_SIZES, initial=0)))

_VERSION = 4

_CACHE_LINE = 64
"""Bytes of a line of the cache, as PyTorch aligns its memory."""

_LARGE_WIDTH = 64
"""Bytes of a vector where there are 32 registers and not 16."""

_Array = NDArray[Any]


class Kernels(NamedTuple):
    """Loops for numbers of one type.

    Attributes:
        dtype: of the numbers.
        frame: of stored images.
        blocks: of each of `BLOCKS`.
        dense: of the dense layers and the loss.
    """

    dtype: torch.dtype
    frame: Callable[..., None]
    blocks: tuple[BlockKernels, ...]
    dense: DenseKernels

    @property
    def tile(self) -> int:
        """How many images there are in a tile: as many as fill a line of the cache with their numbers of one pixel."""
        return _CACHE_LINE // self.dtype.itemsize

    def array(self, size: int) -> _Array:
        """Return room for numbers that begins at a line of the cache: a vector across two of them costs twice."""
        return torch.empty(size, dtype=self.dtype).numpy()


class _Layer(NamedTuple):
    """Weights and bias, or the gradients of them."""

    weights: _Array
    bias: _Array


class _Pass(NamedTuple):
    """What a forward pass leaves, by layer: what each reads and, last, the outputs; the blocks' places."""

    values: list[_Array]
    places: list[_Array]


def prepare(dtype: torch.dtype) -> str:
    """Compile the loops for a type, or load them from the cache, and return their name: "numba 4 float32x16".

    The first number counts the versions whose sums differ in order, and so in their last bits; then come the type and
    the width of vectors.
    """
    _kernels_of(dtype)
    return f"numba {_VERSION} {str(dtype).removeprefix('torch.')}x{vector_bytes() // dtype.itemsize}"


def make_kernels(dtype: torch.dtype, bytes_wide: int, *, cache: bool) -> Kernels:
    """Return loops that are compiled when they are first called.

    Args:
        dtype: of the numbers.
        bytes_wide: bytes of a vector, from which the number of registers follows.
        cache: whether compiled code is kept in Numba's cache.
    """
    tile, width, large = _CACHE_LINE // dtype.itemsize, bytes_wide // dtype.itemsize, bytes_wide >= _LARGE_WIDTH
    return Kernels(
        dtype,
        make_frame(BLOCKS[0].side, tile, cache=cache),
        tuple(make_block_kernels(block, tile, width, large=large, cache=cache) for block in BLOCKS),
        make_dense_kernels(tile, width, large=large, cache=cache),
    )


@cache
def _kernels_of(dtype: torch.dtype) -> Kernels:
    """Return the loops for a type of numbers, which have run once."""

    def compiled(cache: bool) -> Kernels:
        kernels = make_kernels(dtype, vector_bytes(), cache=cache)
        row = torch.zeros(_BOUNDS[-1][1], dtype=dtype).numpy()
        images = _tiled(kernels, torch.zeros(1, 1, 28, 28, dtype=torch.uint8))
        _step(kernels, row, images, np.zeros(1, np.int64), np.empty_like(row))
        return kernels

    return compiled_in_cache(compiled)


def loss_and_grad(params: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return losses `[N]` and gradients `[N, size]` on stored images `x[1 or N, B, 1, 28, 28]` and `y[1 or N, B]`."""
    losses, gradients = params.new_empty(len(params)), params.new_empty(params.shape)
    kernels, labels = _kernels_of(params.dtype), y.expand(len(params), -1).contiguous().numpy()
    images = [_tiled(kernels, batch) for batch in x]
    loss_of, gradient_of = losses.numpy(), gradients.numpy()
    for lane, row in enumerate(params.contiguous().numpy()):
        loss_of[lane] = _step(kernels, row, images[lane % len(images)], labels[lane], gradient_of[lane])
    return losses, gradients


def logits(params: Tensor, x: Tensor) -> Tensor:
    """Return the outputs `[N, B, 10]` for stored images `x[1, B, 1, 28, 28]`."""
    kernels = _kernels_of(params.dtype)
    images = _tiled(kernels, x[0])
    passes = [_forward(kernels, _layers(row), images) for row in params.contiguous().numpy()]
    outputs = torch.from_numpy(np.stack([one.values[-1] for one in passes]))
    return outputs.view(len(params), -1, _FEATURES[-1], kernels.tile).transpose(2, 3).flatten(1, 2)[:, : x.shape[1]]


def _tiled(kernels: Kernels, x: Tensor) -> _Array:
    """Return tiles `[tiles * 32 * 32 * T]` of stored images `x[B, 1, 28, 28]`, normalised, in a border of zeros."""
    missing = -len(x) % kernels.tile
    pixels = (functional.pad(x, (*6 * (0,), 0, missing)) if missing else x).reshape(-1)
    index, numbers = pixels.numpy(), _numbers(kernels.dtype)
    if x.is_floating_point():
        index, numbers = np.arange(len(pixels)), pixels.to(kernels.dtype).numpy()
    count = (len(x) + missing) // kernels.tile
    tiles = kernels.array(count * kernels.tile * BLOCKS[0].side ** 2)
    kernels.frame(index, numbers, tiles, count)
    return tiles


@cache
def _numbers(dtype: torch.dtype) -> _Array:
    """Return the number of each of the 256 stored values of a pixel."""
    return normalise(torch.arange(256, dtype=torch.uint8)).to(dtype).numpy()


def _step(kernels: Kernels, row: _Array, images: _Array, labels: _Array, gradient: _Array) -> float:
    """Write the gradient of a lane's parameters and return its loss."""
    layers, gradients = _layers(row), _layers(gradient)
    values, places = _forward(kernels, layers, images)
    tiles, dense = _tiles_of(kernels, images), kernels.dense
    d = kernels.array(len(values[-1]))
    loss = dense.cross_entropy(values[-1], labels, d, _FEATURES[-1])
    for layer in range(len(layers) - 1, len(BLOCKS) - 1, -1):
        x, (weights, _), (dweights, dbias) = values[layer], layers[layer], gradients[layer]
        rows, dx = kernels.array(len(x)), kernels.array(len(x))
        dense.weights(x, d, rows, dweights, dbias, tiles)
        dense.inputs(d, weights, x, dx, tiles)
        d = dx
    for layer in range(len(BLOCKS) - 1, -1, -1):
        x, (weights, _), (dweights, dbias) = values[layer], layers[layer], gradients[layer]
        kernels.blocks[layer].weights(x, d, places[layer], dweights, dbias, tiles)
        if layer:
            dx, unpooled = kernels.array(len(x)), kernels.array(4 * len(d) // tiles)
            kernels.blocks[layer].images(d, places[layer], unpooled, weights, dx, tiles)
            d = dx
    return float(loss)


def _forward(kernels: Kernels, layers: list[_Layer], images: _Array) -> _Pass:
    values, places, tiles = [images], [], _tiles_of(kernels, images)
    for block, (weights, bias), loops in zip(BLOCKS, layers, kernels.blocks, strict=False):
        output = kernels.array(tiles * block.outputs * block.pooled**2 * kernels.tile)
        places.append(np.empty(len(output), np.uint8))
        loops.forward(values[-1], weights, bias, output, places[-1], tiles)
        values.append(output)
    for features, (weights, bias) in zip(_FEATURES[1:], layers[len(BLOCKS) :], strict=True):
        output = kernels.array(tiles * features * kernels.tile)
        kernels.dense.forward(values[-1], weights, bias, output, tiles, features != _FEATURES[-1])
        values.append(output)
    return _Pass(values, places)


def _tiles_of(kernels: Kernels, images: _Array) -> int:
    return len(images) // (BLOCKS[0].side ** 2 * kernels.tile)


def _layers(row: _Array) -> list[_Layer]:
    """Return the layers of a row of parameters, or of gradients, in their order."""
    parts = [row[start:end] for start, end in _BOUNDS]
    return [_Layer(*pair) for pair in zip(parts[::2], parts[1::2], strict=True)]
