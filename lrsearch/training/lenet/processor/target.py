"""For what the loops are compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numba


class Target(NamedTuple):
    """A type of numbers on a processor.

    Attributes:
        tile: images in a tile.
        width: numbers in a vector.
        large: whether the processor has 32 registers for vectors and not 16.
        cache: whether compiled code is kept in Numba's cache.
    """

    tile: int
    width: int
    large: bool
    cache: bool

    def compiled(self, loop: Callable[..., Any]) -> Callable[..., Any]:
        """Return a loop that is compiled when it is first called: no sum takes another order than it is written in."""
        loop_of_numba: Callable[..., Any] = numba.njit(nogil=True, cache=self.cache, error_model="numpy")(loop)
        return loop_of_numba
