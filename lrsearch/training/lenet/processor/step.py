"""The step of the LeNet on a processor: loops in Numba, one lane after another, with nothing of PyTorch in between.

A batch is cut into tiles of T images, `[tiles, H, W, C, T]`, all the way: a tile's images and all that is made of them
stay in the cache. It is filled up with grey images, whose gradient is zero. Sums are taken in one order for all
numbers of lanes, threads and processes; another width of vectors has another order in some gradients.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache
from itertools import accumulate, pairwise
from threading import get_ident
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from lrsearch.training.lenet.processor.blocks import Block, make_first_weights, make_forward, make_frame
from lrsearch.training.lenet.processor.cache import compiled_in_cache
from lrsearch.training.lenet.processor.dense import DenseKernels, make_dense_kernels
from lrsearch.training.lenet.processor.patches import PatchKernels, make_patch_kernels, rows_size, table_size
from lrsearch.training.lenet.processor.target import Target
from lrsearch.training.lenet.processor.vectors import vector_bytes
from lrsearch.workloads.fashion_lenet import normalise

FIRST, SECOND = BLOCKS = (Block(1, 32, 6), Block(6, 14, 16))
"""The convolutional part of the LeNet."""

_FEATURES = (400, 120, 84, 10)
"""Of the dense layers: the inputs of the first, and the outputs of each."""

_PIXELS = (FIRST.outputs * FIRST.pooled**2, *_FEATURES)
"""Numbers of an image behind the first block, the second, and each dense layer."""

_FIRST_AT, _SECOND_AT, *_DENSE_AT, _SIZE = accumulate(
    [block.weights + block.outputs for block in BLOCKS]
    + [(inputs + 1) * outputs for inputs, outputs in pairwise(_FEATURES)],
    initial=0,
)
"""Where each layer begins in a row of parameters, and where the row ends."""

_VERSION = 4

_PICTURE = 28
"""The side of a stored image."""

_GREY = 127
"""The pixel next to 0 when normalised: what fills a batch up must not overflow where the batch itself does not."""

_CACHE_LINE = 64
"""Bytes of a line of the cache, as PyTorch aligns its memory."""

_LARGE_WIDTH = 64
"""Bytes of a vector where there are 32 registers and not 16."""

_Array = NDArray[Any]


class Kernels(NamedTuple):
    """Loops for numbers of one type.

    Attributes:
        dtype: of the numbers.
        width: numbers in a vector.
        frame: of stored images.
        forward: of each of `BLOCKS`.
        first_weights: the gradient of the first block's weights.
        patches: the gradients of the second block.
        dense: of the dense layers and the loss.
    """

    dtype: torch.dtype
    width: int
    frame: Callable[..., None]
    forward: tuple[Callable[..., None], ...]
    first_weights: Callable[..., None]
    patches: PatchKernels
    dense: DenseKernels

    @property
    def tile(self) -> int:
        """How many images there are in a tile: as many as fill a line of the cache with their numbers of one pixel."""
        return _CACHE_LINE // self.dtype.itemsize

    def array(self, size: int) -> _Array:
        """Return room for numbers that begins at a line of the cache: a vector across two of them costs twice."""
        return torch.empty(size, dtype=self.dtype).numpy()


class _Room:
    """The arrays between the loops of a step, and of all further steps on batches of that size.

    Args:
        kernels: which go through them.
        tiles: of a batch.
    """

    def __init__(self, kernels: Kernels, tiles: int) -> None:
        images = tiles * kernels.tile
        self.tiles = tiles
        self.images = kernels.array(images * FIRST.side**2)
        self.first, *self.values = (kernels.array(images * size) for size in _PIXELS)
        self.of_first, *self.of_values = (kernels.array(images * size) for size in _PIXELS)
        self.first_place, self.second_place = (np.empty(len(a), np.uint8) for a in (self.first, self.values[0]))
        of_a_tile = rows_size(SECOND, kernels.tile, kernels.width)
        self.rows = kernels.array(max(of_a_tile, images * _FEATURES[0]))
        self.table = kernels.array(table_size(SECOND, kernels.width))


def prepare(dtype: torch.dtype) -> str:
    """Compile the loops for a type, or load them from the cache, and return their name: "numba 4 float32x16".

    The first number counts the versions whose sums differ in order, and so in their last bits; then come the type and
    the width of vectors.
    """
    _kernels_of(dtype)
    return f"numba {_VERSION} {type_and_width(dtype)}"


def type_and_width(dtype: torch.dtype) -> str:
    """Return the name of the numbers of a vector, such as "float32x16"; their code is cached under it."""
    return f"{str(dtype).removeprefix('torch.')}x{vector_bytes() // dtype.itemsize}"


def make_kernels(dtype: torch.dtype, bytes_wide: int, *, cache: bool) -> Kernels:
    """Return loops that are compiled when they are first called.

    Args:
        dtype: of the numbers.
        bytes_wide: bytes of a vector, from which the number of registers follows.
        cache: whether compiled code is kept in Numba's cache.
    """
    target = Target(
        _CACHE_LINE // dtype.itemsize, bytes_wide // dtype.itemsize, large=bytes_wide >= _LARGE_WIDTH, cache=cache
    )
    return Kernels(
        dtype,
        target.width,
        make_frame(FIRST.side, target),
        tuple(make_forward(block, target, flat=block == SECOND) for block in BLOCKS),
        make_first_weights(FIRST, target),
        make_patch_kernels(SECOND, target),
        make_dense_kernels(target),
    )


@cache
def _kernels_of(dtype: torch.dtype) -> Kernels:
    """Return the loops for a type of numbers, which have run once."""

    def compiled(cache: bool) -> Kernels:
        kernels = make_kernels(dtype, vector_bytes(), cache=cache)
        room, row = _Room(kernels, 1), kernels.array(_SIZE)
        row[:] = 0
        _read(kernels, room, torch.zeros(kernels.tile, 1, 28, 28, dtype=torch.uint8))
        _step(kernels, room, row, np.zeros(1, np.int64), np.empty_like(row))
        return kernels

    return compiled_in_cache(type_and_width(dtype), compiled)


@lru_cache(maxsize=4)  # a whole batch and the last of an epoch, in training and in evaluation
def _room_of_thread(dtype: torch.dtype, tiles: int, _thread: int) -> _Room:
    return _Room(_kernels_of(dtype), tiles)


def _room(kernels: Kernels, images: int) -> _Room:
    """Return this thread's room for batches of a size."""
    return _room_of_thread(kernels.dtype, -(-images // kernels.tile), get_ident())


def loss_and_grad(params: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return losses `[N]` and gradients `[N, size]` on stored images `x[1 or N, B, 1, 28, 28]` and `y[1 or N, B]`."""
    _check(params, x, y)
    losses, gradients = params.new_empty(len(params)), params.new_empty(params.shape)
    kernels, labels = _kernels_of(params.dtype), y.expand(len(params), -1).contiguous().numpy()
    room, loss_of, gradient_of = _room(kernels, x.shape[1]), losses.numpy(), gradients.numpy()
    for lane, row in enumerate(params.contiguous().numpy()):
        if lane < len(x):  # those behind share the only batch
            _read(kernels, room, x[lane])
        loss_of[lane] = _step(kernels, room, row, labels[lane], gradient_of[lane])
    return losses, gradients


def logits(params: Tensor, x: Tensor) -> Tensor:
    """Return the outputs `[N, B, 10]` for stored images `x[1, B, 1, 28, 28]`."""
    _check(params, x[:1])
    kernels = _kernels_of(params.dtype)
    room = _room(kernels, x.shape[1])
    _read(kernels, room, x[0])
    outputs = params.new_empty(len(params), room.tiles, _FEATURES[-1], kernels.tile)
    for row, of_lane in zip(params.contiguous().numpy(), outputs.numpy(), strict=True):
        _forward(kernels, room, row)
        of_lane.reshape(-1)[:] = room.values[-1]
    return outputs.transpose(2, 3).flatten(1, 2)[:, : x.shape[1]]


def _check(params: Tensor, x: Tensor, y: Tensor | None = None) -> None:
    """Raise ValueError where shapes do not fit: the loops would read and write what is not theirs."""
    lanes, images = len(params), x.shape[1] if x.dim() > 1 else 0
    fits = (
        params.shape == (lanes, _SIZE) and x.shape == (len(x), images, 1, _PICTURE, _PICTURE) and len(x) in (1, lanes)
    )
    if not fits or (y is not None and y.shape not in ((1, images), (lanes, images))):
        labels = "" if y is None else f" and y{list(y.shape)}"
        raise ValueError(
            f"params must be [N, {_SIZE}], x [1 or N, B, 1, {_PICTURE}, {_PICTURE}] and y [1 or N, B], got "
            f"params{list(params.shape)}, x{list(x.shape)}{labels}"
        )


def _read(kernels: Kernels, room: _Room, x: Tensor) -> None:
    """Put stored images `x[B, 1, 28, 28]`, normalised, into their tiles."""
    missing, stored = room.tiles * kernels.tile - len(x), x.dtype == torch.uint8
    x = x if stored else normalise(x).to(kernels.dtype)
    filling = _GREY if stored else 0.0
    pixels = (functional.pad(x, (*6 * (0,), 0, missing), value=filling) if missing else x).reshape(-1).numpy()
    index, numbers = (
        (pixels, _numbers(kernels.dtype, torch.get_default_dtype())) if stored else (np.arange(len(pixels)), pixels)
    )
    kernels.frame(index, numbers, room.images, room.tiles)


@cache
def _numbers(dtype: torch.dtype, _default: torch.dtype) -> _Array:
    """Return the number of each of the 256 stored values of a pixel, in the default type as by `normalise`."""
    return normalise(torch.arange(256, dtype=torch.uint8)).to(dtype).numpy()


def _forward(kernels: Kernels, room: _Room, row: _Array) -> None:
    first, second = kernels.forward
    tiles, values = room.tiles, room.values
    first(room.images, row, _FIRST_AT, room.first, room.first_place, tiles)
    second(room.first, row, _SECOND_AT, values[0], room.second_place, tiles)
    for k, start in enumerate(_DENSE_AT):
        inputs, outputs, relu = _FEATURES[k], _FEATURES[k + 1], start != _DENSE_AT[-1]
        kernels.dense.forward(values[k], row, start, values[k + 1], inputs, outputs, tiles, relu)


def _step(kernels: Kernels, room: _Room, row: _Array, labels: _Array, gradient: _Array) -> float:
    """Write the gradient of a lane's parameters on the images that were read, and return its loss."""
    _forward(kernels, room, row)
    tiles, values, of_values, dense, patches = room.tiles, room.values, room.of_values, kernels.dense, kernels.patches
    loss: float = dense.cross_entropy(values[-1], labels, of_values[-1], _FEATURES[-1])
    for k in range(len(_DENSE_AT) - 1, -1, -1):
        start, inputs, outputs = _DENSE_AT[k], _FEATURES[k], _FEATURES[k + 1]
        dense.weights(values[k], of_values[k + 1], room.rows, gradient, start, inputs, outputs, tiles)
        dense.inputs(of_values[k + 1], row, start, values[k], of_values[k], inputs, outputs, tiles)
    of_second, place = of_values[0], room.second_place
    patches.weights(room.first, of_second, place, room.rows, room.table, gradient, _SECOND_AT, tiles)
    patches.images(of_second, place, row, _SECOND_AT, room.table, room.rows, room.of_first, tiles)
    kernels.first_weights(room.images, room.of_first, room.first_place, gradient, _FIRST_AT, tiles)
    return loss
