"""The block of `convolution` on a processor: direct convolutions in Numba, one lane after another.

The four outputs of a pooling window are summed in registers, for some images side by side (the batch is last), and
pooled there: of all that lies between, only the block's output and its place in the window are written. Place is 0 to
3 in the order (0, 0), (0, 1), (1, 0), (1, 1), or 4 where ReLU is shut. Backward, with dZ the gradient at its places
among the convolution's outputs,

    weights   dW[k] is the sum, over outputs and images, of dZ[place] X[place + k]
    images    dX[pixel] is the sum, over places k in the kernel, of dZ[pixel - k] W[k]

A batch is cut into tiles of T images, `[N, tiles, C, H, W, T]`: a tile's images and all that is made of them stay in
the cache. It is filled up with images of zeros, whose gradient has to be zero. Sums are taken in one order for all
numbers of lanes, threads and processes; another width of vectors has another order in dW.
"""

from __future__ import annotations

import os
import shutil
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from platformdirs import user_cache_path
from torch import Tensor
from torch.nn import functional

from lrsearch.training.lenet.numba_kernels import CACHE_LINE, Kernels, Layer, make_kernels
from lrsearch.training.lenet.products import matmul as matmul  # a part of the module's interface
from lrsearch.training.lenet.vectors import vector_bytes
from lrsearch.workloads.fashion_lenet import normalise

_LAYERS = (Layer(1, 32, 6), Layer(6, 14, 16))
_VERSION = 3


class Tape(NamedTuple):
    """What the backward pass needs; see `convolution`.

    Attributes:
        images: `[1 or N, tiles, C, H, W, T]`.
        weights: `[N, O, C, 5, 5]`.
        place: `[N, tiles, O, H / 2 - 2, W / 2 - 2, T]`, of uint8.
        output: of the same shape.
    """

    images: Tensor
    weights: Tensor
    place: Tensor
    output: Tensor


class Unpooled(NamedTuple):
    """The gradient of the block's output, in its tiles, which each kernel brings to its places."""

    tape: Tape
    gradient: Tensor


def prepare(dtype: torch.dtype) -> str:
    """Compile the kernels of a type, or load them from the cache, and return their name: "numba 3 float32x16".

    The first number counts the versions of the kernels whose sums differ in order, and so in their last bits.

    Compiled code is kept in the user's cache folder (NUMBA_CACHE_DIR names another). Where that cannot be written the
    kernels are compiled in every process; what is damaged there is replaced.
    """
    _kernels(dtype)
    return f"numba {_VERSION} {str(dtype).removeprefix('torch.')}x{vector_bytes() // dtype.itemsize}"


def cache_in_words() -> str:
    """Return where compiled code is kept, or that it cannot be."""
    folder, writable = _cache_folder()
    return f"kept in {folder}" if writable else f"compiled in every process, as {folder} cannot be written"


def stored_columns(x: Tensor, dtype: torch.dtype, padding: int) -> Tensor:
    """Return tiles of stored images `x[N, B, 1, S, S]`, normalised, in a border of zeros; see `convolution`."""
    lanes, batch, _, side, _ = x.shape
    images = CACHE_LINE // dtype.itemsize
    missing = -batch % images
    pixels = functional.pad(x, (*6 * (0,), 0, missing)).reshape(lanes, -1, images, side * side)
    width, inner = side + 2 * padding, slice(padding, padding + side)
    tiles = x.new_zeros(lanes, pixels.shape[1], 1, width, width, images, dtype=dtype)
    tiles[:, :, 0, inner, inner] = normalise(pixels.transpose(2, 3).contiguous()).view(
        *tiles.shape[:2], side, side, images
    )
    tiles[:, -1, ..., images - missing :] = 0
    return tiles


def columns(images: Tensor) -> Tensor:
    """Return the tiles as they are: patches exist in registers only."""
    return images


def features(tape: Tape) -> Tensor:
    """Return the output with the batch last; see `convolution`."""
    return tape.output.permute(0, 2, 3, 4, 1, 5).flatten(4).flatten(1, 3)


def forward(weights: Tensor, bias: Tensor, images: Tensor) -> Tape:
    """Convolve, pool, add the bias and apply ReLU; see `convolution`."""
    lanes, outputs = weights.shape[:2]
    tiles, side, batch = images.shape[1], images.shape[4] // 2 - 2, images.shape[5]
    output = images.new_empty(lanes, tiles, outputs, side, side, batch)
    place = torch.empty_like(output, dtype=torch.uint8)
    tape = Tape(images, weights, place, output)
    for x, w, b, out, at in _by_lane(images, weights, bias, output, place):
        _layer_of(tape).forward(x, w, b, out, at, tiles)
    return tape


def unpool(gradient: Tensor, tape: Tape) -> Unpooled:
    """Return what the other gradients are made of; see `convolution`."""
    if gradient.dim() < tape.output.dim():
        lanes, tiles, *image, batch = tape.output.shape
        gradient = gradient.view(lanes, *image, tiles, batch).permute(0, 4, 1, 2, 3, 5).contiguous()
    return Unpooled(tape, gradient)


def weights_gradient(unpooled: Unpooled) -> tuple[Tensor, Tensor]:
    """Return the gradients of weights and bias; see `convolution`."""
    tape, gradient = unpooled
    weights, bias = gradient.new_empty(tape.weights.shape), gradient.new_empty(tape.weights.shape[:2])
    for x, g, at, dw, db in _by_lane(tape.images, gradient, tape.place, weights, bias):
        _layer_of(tape).weights(x, g, at, dw, db, gradient.shape[1])
    return weights, bias


def images_gradient(unpooled: Unpooled) -> Tensor:
    """Return the gradient of the images; see `convolution`."""
    tape, gradient = unpooled
    lanes, tiles, outputs, side, _, batch = gradient.shape
    z = gradient.new_empty(lanes, tiles, outputs, 2 * side, 2 * side, batch)
    images = gradient.new_empty(lanes, *tape.images.shape[1:])
    for g, at, w, dz, dx in _by_lane(gradient, tape.place, tape.weights, z, images):
        kernels = _layer_of(tape)
        kernels.unpool(g, at, dz, tiles)
        kernels.images(dz, w, dx, tiles)
    return images


def _by_lane(*tensors: Tensor) -> list[list[NDArray[np.generic]]]:
    """Return, lane by lane, the flat arrays of each tensor `[N, ...]`, or of one `[1, ...]` that all lanes share."""
    arrays = [
        tensor.numpy().reshape(len(tensor), -1) for tensor in tensors
    ]  # views of arrays cost less than of tensors
    return [[array[lane % len(array)] for array in arrays] for lane in range(max(map(len, arrays)))]


def _layer_of(tape: Tape) -> Kernels:
    outputs, channels = tape.weights.shape[1:3]
    return _kernels(tape.weights.dtype)[Layer(channels, tape.images.shape[4], outputs)]


@cache
def _kernels(dtype: torch.dtype) -> dict[Layer, Kernels]:
    """Return the kernels of both layers, compiled for a type."""
    folder, writable = _cache_folder()
    if writable:
        try:
            return _tried(dtype, folder)
        except Exception:  # unpickling a damaged file may raise anything
            shutil.rmtree(folder, ignore_errors=True)
    return _tried(dtype, folder if writable else None)


def _cache_folder() -> tuple[Path, bool]:
    """Return the folder of compiled code, and whether it may be written."""
    folder = Path(numba.config.CACHE_DIR or user_cache_path("lrsearch")) / "kernels"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return folder, os.access(folder, os.W_OK | os.X_OK)
    except OSError:
        return folder, False


def _tried(dtype: torch.dtype, folder: Path | None) -> dict[Layer, Kernels]:
    """Return kernels that have run once; their code is kept in a folder unless that is None."""
    bytes_wide, before = vector_bytes(), numba.config.CACHE_DIR
    numba.config.CACHE_DIR = "" if folder is None else str(folder)
    try:
        made = {layer: make_kernels(layer, bytes_wide, dtype.itemsize, cache=folder is not None) for layer in _LAYERS}
    finally:
        numba.config.CACHE_DIR = before
    for layer, kernels in made.items():
        _run_once(layer, kernels, CACHE_LINE // dtype.itemsize, dtype)
    return made


def _run_once(layer: Layer, kernels: Kernels, batch: int, dtype: torch.dtype) -> None:
    """Compile the kernels that a step calls, by calling them on zeros."""
    channels, side, outputs = layer
    windows = outputs * (side // 2 - 2) ** 2 * batch
    sizes = (channels * side**2 * batch, outputs * channels * 25, outputs, windows, 4 * windows)
    x, weights, bias, output, z = (torch.zeros(size, dtype=dtype).numpy() for size in sizes)
    place = np.zeros(windows, np.uint8)
    kernels.forward(x, weights, bias, output, place, 1)
    kernels.weights(x, output, place, weights, bias, 1)
    if channels > 1:
        kernels.unpool(output, place, z, 1)
        kernels.images(z, weights, x, 1)
