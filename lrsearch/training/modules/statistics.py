"""BatchNorm's running statistics, taken again for weights under which no step was trained."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


def keeps_statistics(module: nn.Module) -> bool:
    """Return whether a module normalises by running statistics in evaluation."""
    return any(isinstance(part, _BatchNorm) and part.track_running_stats for part in module.modules())


@contextmanager
def taking(module: nn.Module, share: float) -> Iterator[None]:
    """Let a batch enter the running statistics by this share: 1, 1/2, 1/3, ... make them the means over batches."""
    norms = [part for part in module.modules() if isinstance(part, _BatchNorm)]
    before = [part.momentum for part in norms]
    for part in norms:
        part.momentum = share
    try:
        yield
    finally:
        for part, momentum in zip(norms, before, strict=True):
            part.momentum = momentum
