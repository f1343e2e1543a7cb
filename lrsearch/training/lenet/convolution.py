"""What computes a block of the LeNet: a 5x5 convolution followed by bias, 2x2 max-pooling and ReLU, for many lanes."""

from __future__ import annotations

import logging
import os
from functools import cache
from importlib.util import find_spec
from typing import Any, Protocol, cast

import torch
from torch import Tensor

from lrsearch.errors import InputError
from lrsearch.training.lenet import blocked_conv

logger = logging.getLogger(__name__)

PRECISION_VARIABLE = "LRSEARCH_GPU_PRECISION"
PRECISIONS = ("fp32", "tf32x3")


class Tape(Protocol):
    """What the forward pass leaves for `unpool`."""

    @property
    def output(self) -> Tensor:
        """`[N, O, H / 2 - 2, W / 2 - 2, B]`."""
        ...


class Convolution(Protocol):
    """A module that computes the block. Layout: lanes first, the batch last."""

    def stored_columns(self, x: Tensor, dtype: torch.dtype, padding: int) -> Tensor:
        """Return what `forward` reads for stored images `x[N, B, 1, S, S]`, normalised, in a border of zeros."""
        ...

    def columns(self, images: Tensor) -> Tensor:
        """Return a block's output in the form that `forward` of the next reads."""
        ...

    def forward(self, weights: Tensor, bias: Tensor, columns: Tensor) -> Tape:
        """Return the tape of a forward pass.

        Args:
            weights: `[N, O, C, 5, 5]`, each lane's contiguous, as in a row of parameters.
            bias: `[N, O]`, likewise.
            columns: of each lane's images, or of one that all lanes share.
        """
        ...

    def unpool(self, gradient: Tensor, tape: Any) -> Any:
        """Return what the other gradients are made of; consumes the tape.

        Args:
            gradient: of the output.
            tape: from `forward`.
        """
        ...

    def weights_gradient(self, unpooled: Any) -> tuple[Tensor, Tensor]:
        """Return the gradients `[N, O, C, 5, 5]` of the weights and `[N, O]` of the bias."""
        ...

    def images_gradient(self, unpooled: Any) -> Tensor:
        """Return the gradient of the images, as of the output of the block before."""
        ...

    def matmul(self, a: Tensor, b: Tensor) -> Tensor:
        """Return the products `[N, m, n]` of `a[N, m, k]` and `b[N, k, n]`, or `b[1, k, n]` for all lanes."""
        ...


def gpu_precision() -> str:
    """Return how float32 numbers are multiplied on a GPU: "fp32", or "tf32x3" where LRSEARCH_GPU_PRECISION says so.

    "tf32x3" is for Triton's kernels: three products of TensorFloat-32 on the tensor cores, exact to about 1e-6.

    Raises:
        InputError: if it says something else.
    """
    given = os.environ.get(PRECISION_VARIABLE) or PRECISIONS[0]
    if given not in PRECISIONS:
        raise InputError(f"{PRECISION_VARIABLE} must be one of {', '.join(PRECISIONS)}, got {given!r}")
    return given


def uses_numba(x: Tensor) -> bool:
    """Return whether `processor` computes where `x` is, in numbers of its type, and not a module of this kind."""
    return not x.is_cuda and not why_no_numba(x.dtype)


def convolution_for(x: Tensor, dtype: torch.dtype) -> Convolution:
    """Return what computes fastest, in numbers of a type, where `x` is and Numba is not used."""
    if x.is_cuda and not why_no_triton(x.get_device()):
        from lrsearch.training.lenet import triton_conv, triton_dot

        in_passes = dtype == torch.float32 and gpu_precision() == triton_dot.PRECISION
        return cast(Convolution, triton_dot if in_passes else triton_conv)
    return cast(Convolution, blocked_conv)


def kernels_on(device: str, dtype: torch.dtype) -> str:
    """Return the name of what computes a step: "numba 4 float32x16", "triton", "triton tf32x3" or "torch"."""
    if device == "cpu":
        return "torch" if why_no_numba(dtype) else _prepare(dtype)
    if why_no_triton(0):
        return "torch"
    return "triton" if gpu_precision() == PRECISIONS[0] else f"triton {gpu_precision()}"


def kernels_in_words(device: str) -> str:
    """Return what computes the LeNet on a device: the kernels and where they are kept, or why they do not work."""
    if reason := why_slow(device):
        return f"slower than it could be, as {reason}"
    name = kernels_on(device, torch.float32)
    if device == "cuda":
        return f"LeNet by {name}"
    from lrsearch.training.lenet.processor.cache import cache_in_words
    from lrsearch.training.lenet.processor.step import type_and_width

    return f"LeNet by {name} (its vectors' type and width), {cache_in_words(type_and_width(torch.float32))}"


def why_slow(device: str) -> str:
    """Return which kernels do not work on a device and why, so that training is slower; "" if they work."""
    name, reason = ("Triton", why_no_triton(0)) if device == "cuda" else ("Numba", why_no_numba(torch.float32))
    return f"{name} does not work ({reason})" if reason else ""


@cache
def why_no_numba(dtype: torch.dtype) -> str:
    """Return what keeps Numba from compiling kernels for this processor, empty if nothing does; logged once."""
    try:
        _prepare(dtype)
    except Exception as error:  # from Numba, LLVM or the processor's description, in many forms
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        logging.getLogger(__name__).warning("Numba does not work (%s): training is slower", reason)
        return reason
    return ""


def _prepare(dtype: torch.dtype) -> str:
    from lrsearch.training.lenet.processor import step  # not where it is not used: Numba takes a while to import

    return step.prepare(dtype)


@cache
def why_no_triton(device: int) -> str:
    """Return what keeps Triton from compiling kernels for a GPU, empty if nothing does; logged once.

    Triton comes with PyTorch for CUDA on Linux, but wants a C compiler.
    """
    reason = "it is not installed"
    if find_spec("triton") is not None:
        try:
            from lrsearch.training.lenet import triton_conv

            images = torch.zeros(1, 1, 6, 6, 1, device=f"cuda:{device}")
            triton_conv.forward(images.new_zeros(1, 1, 1, 5, 5), images.new_zeros(1, 1), images)
        except Exception as error:  # from the compiler, the driver or Triton itself, in many forms
            reason = str(error).strip().partition("\n")[0] or type(error).__name__
        else:
            return ""
    logger.warning("Triton does not work (%s): training on the GPU is slower", reason)
    return reason
