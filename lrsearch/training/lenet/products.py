"""What modules of `convolution` have in common: matrix products of many lanes."""

from __future__ import annotations

from torch import Tensor


def matmul(a: Tensor, b: Tensor) -> Tensor:
    """Return the products `[N, m, n]` of `a[N, m, k]` and `b[N, k, n]`, or `b[1, k, n]` for all lanes."""
    if len(b) < len(a):
        return a.flatten(0, 1).mm(b[0]).view(len(a), -1, b.shape[2])
    return a[0].mm(b[0]).unsqueeze(0) if len(a) == 1 else a.bmm(b)
