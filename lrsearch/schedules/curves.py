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


def pchip_slopes(values: FloatArray) -> FloatArray:
    """Return the slopes at equally spaced points, per spacing, of a cubic that is monotone where its `values` are.

    Fritsch and Butland 1984: the harmonic mean of the two sides, 0 at an extremum, and at both ends the three-point
    rule that keeps the shape.
    """
    steps = np.diff(values)
    if len(steps) == 1:
        return np.repeat(steps, 2)
    left, right = steps[:-1], steps[1:]
    same = left * right > 0.0
    total = np.where(same, left + right, 1.0)
    inner = np.where(same, 2.0 * left * right / total, 0.0)
    return np.concatenate([[_end_slope(steps[0], steps[1])], inner, [_end_slope(steps[-1], steps[-2])]])


def _end_slope(nearest: float, next_one: float) -> float:
    slope = (3.0 * nearest - next_one) / 2.0
    if slope * nearest <= 0.0:
        return 0.0
    return 3.0 * nearest if nearest * next_one <= 0.0 and abs(slope) > abs(3.0 * nearest) else slope


def pchip(values: FloatArray, x: FloatArray) -> FloatArray:
    """Return the curve through `values`, equally spaced over x = 0 .. 1, in pieces that are cubic and monotone."""
    slopes, pieces = pchip_slopes(values), len(values) - 1
    place = x * pieces
    k = np.clip(np.floor(place).astype(np.int64), 0, pieces - 1)
    t = place - k
    ends = (1.0 + 2.0 * t) * (1.0 - t) ** 2 * values[k] + t * (1.0 - t) ** 2 * slopes[k]
    return np.asarray(ends + t**2 * (3.0 - 2.0 * t) * values[k + 1] + t**2 * (t - 1.0) * slopes[k + 1])
