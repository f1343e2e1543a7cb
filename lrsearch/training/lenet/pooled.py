"""What pooling leaves for its gradient."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class Pooled(NamedTuple):
    """What the backward pass of `pool` needs; consumed by it.

    Attributes:
        z: `[N, 2, 2, O, S]`, the convolution's outputs by the row and column of their place in the window.
        rows: `[N, 2, O, S]`, the maximum of each row of the window.
        output: `[N, O, S]`.
    """

    z: Tensor
    rows: Tensor
    output: Tensor
