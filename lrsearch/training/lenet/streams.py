"""Work on a GPU that other work need not wait for: a second stream. On a processor there is none, and nothing changes.

What is computed on the second stream may be read after `join`; what it reads must not be freed before.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import cache

import torch
from torch import Tensor


def fork(x: Tensor) -> torch.cuda.Stream | None:
    """Return the second stream of the GPU where `x` is, behind all work so far; None on a processor."""
    if not x.is_cuda:
        return None
    stream = _second(x.get_device())
    stream.wait_stream(torch.cuda.current_stream())
    return stream


def on(stream: torch.cuda.Stream | None) -> AbstractContextManager[object]:
    """Let what follows run on the stream of `fork`."""
    return nullcontext() if stream is None else torch.cuda.stream(stream)


def join(stream: torch.cuda.Stream | None) -> None:
    """Let further work wait for what was begun on the stream."""
    if stream is not None:
        torch.cuda.current_stream().wait_stream(stream)


@cache
def _second(device: int) -> torch.cuda.Stream:
    return torch.cuda.Stream(device)
