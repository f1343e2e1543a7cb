"""What a family is: the part of a schedule that follows warm-up, as a factor of base_lr."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lrsearch.schedules.parameters import Span, make_plain

FloatArray: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Shape(ABC):
    """What a family does after warm-up.

    Attributes:
        family: its name.
        formula: the factor of base_lr, in the symbols of this module.
        source: the library or paper it comes from.
        takes_warmup: False for a shape that rises by itself.
    """

    family: ClassVar[str]
    formula: ClassVar[str]
    source: ClassVar[str]
    takes_warmup: ClassVar[bool] = True

    def __post_init__(self) -> None:
        make_plain(self)

    @abstractmethod
    def factor(self, s: FloatArray, span: Span) -> FloatArray:
        """Return the factor of base_lr, in [0, 1], at each whole step 0 <= s <= n after warm-up."""
