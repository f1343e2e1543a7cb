"""What modules of `convolution` have in common: matrix products of many lanes, and the way to the dense layers."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor


class BatchLast(Protocol):
    """A tape whose output is `[N, O, H / 2 - 2, W / 2 - 2, B]`."""

    @property
    def output(self) -> Tensor:
        """The block's output."""
        ...


def matmul(a: Tensor, b: Tensor) -> Tensor:
    """Return the products `[N, m, n]` of `a[N, m, k]` and `b[N, k, n]`, or `b[1, k, n]` for all lanes."""
    if len(b) < len(a):
        return a.flatten(0, 1).mm(b[0]).view(len(a), -1, b.shape[2])
    return a[0].mm(b[0]).unsqueeze(0) if len(a) == 1 else a.bmm(b)


def features(tape: BatchLast) -> Tensor:
    """Return the output as the inputs `[N, O * P * P, B]` of a dense layer."""
    return tape.output.flatten(1, 3)
