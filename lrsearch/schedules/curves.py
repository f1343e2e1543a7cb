"""The pieces that the curves of several families are made of."""

from __future__ import annotations

import numpy as np

from lrsearch.schedules.family import FloatArray


def down_to(r: float, remaining: FloatArray) -> FloatArray:
    """Return the factors that fall from 1 to r as `remaining` falls from 1 to 0."""
    return r + (1.0 - r) * remaining


def cosine(y: FloatArray) -> FloatArray:
    """Return half a cosine wave, from 1 at y = 0 to 0 at y = 1."""
    return (1.0 + np.cos(np.pi * y)) / 2.0
