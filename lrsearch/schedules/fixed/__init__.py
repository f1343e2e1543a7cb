"""Schedules that are given and not searched: each a frozen class like a family, and its line in FIXED.

Owns tables of rates and joins of schedules. May import the rest of schedules. Begin with tabulated.py.
"""

from lrsearch.schedules.family import Shape
from lrsearch.schedules.fixed.join import Join, join
from lrsearch.schedules.fixed.tabulated import Tabulated, tabulated

FIXED: dict[str, type[Shape]] = {"tabulated": Tabulated, "join": Join}
"""Every kind of them by its name."""

__all__ = ["FIXED", "Join", "Tabulated", "join", "tabulated"]
