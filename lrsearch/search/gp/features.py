"""What the model sees of a trial: the learning-rate curve in a few numbers, and the searched optimizer settings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from lrsearch.errors import InputError
from lrsearch.experiment.space import FAMILY, Space
from lrsearch.schedules import Schedule

FloatArray: TypeAlias = NDArray[np.float64]

_READ_STEPS = 400  # a longer run is read at this many steps, spread evenly
_FLOOR = 1e-3  # rates below this fraction of the highest are all alike
_HEAD, _TAILS = 0.1, (0.025, 0.1, 0.3)


@dataclass(frozen=True)
class CurveFeatures:
    """The features of a trial in one space.

    The curve eta(t) enters as ln(max(rate, high / 1000) / high) / ln(high / low) of six rates, with low .. high the
    range of base_lr: the largest, the mean, the means over the first tenth and over the last 2.5, 10 and 30 % of the
    steps (at least one step each). Where SGD's momentum is searched, eta times (1 - largest momentum) / (1 - momentum)
    takes the place of eta, because the size of a step along a steady gradient is eta / (1 - momentum). Searched
    settings of the optimizer follow on the unit scale of their ranges, one column each, or one a choice.
    """

    space: Space

    def __call__(self, many: Sequence[Mapping[str, Any]]) -> FloatArray:
        """Return the features `[m, features]` of `m` sets of parameters, each of which holds `family`.

        Raises:
            InputError: where parameters make no schedule.
            KeyError: where one is missing.
        """
        if not many:
            return np.zeros((0, len(self)))
        rates = np.stack([self._rates(params) for params in many])
        parts = np.column_stack([rates.max(axis=1), rates @ self._means.T])
        curve = np.log(np.maximum(parts, self._high * _FLOOR) / self._high) / self._spread
        settings = [
            np.stack([unit_columns(self._settings[name], params[name]) for params in many])
            for name in self.space.beside
        ]
        return np.hstack([curve, *settings])

    def __len__(self) -> int:
        settings = [self._settings[name] for name in self.space.beside]
        return 1 + len(self._means) + sum(len(getattr(one, "choices", ("one",))) for one in settings)

    def _rates(self, params: Mapping[str, Any]) -> FloatArray:
        """Return the rates `[read]` of the steps that are read."""
        schedule = self.space.schedule(params)
        assert isinstance(schedule, Schedule)
        rates = schedule.lr(self._steps)
        if self._largest_momentum is None:
            return rates
        return rates * ((1.0 - self._largest_momentum) / (1.0 - float(params["momentum"])))

    @cached_property
    def _steps(self) -> NDArray[np.int64]:
        total = self.space.total_steps
        read = min(total, _READ_STEPS)
        return ((np.arange(read) + 0.5) * total / read).astype(np.int64)

    @cached_property
    def _means(self) -> FloatArray:
        """The matrix `[5, read]` that makes rates into their means over the parts of the run."""
        read = len(self._steps)
        weights = np.zeros((2 + len(_TAILS), read))
        weights[0] = 1.0
        weights[1, : max(1, round(_HEAD * read))] = 1.0
        for row, tail in enumerate(_TAILS, start=2):
            weights[row, -max(1, round(tail * read)) :] = 1.0
        return np.asarray(weights / weights.sum(axis=1, keepdims=True))

    @cached_property
    def _base_lr(self) -> FloatDistribution:
        base_lr = self._settings["base_lr"]
        assert isinstance(base_lr, FloatDistribution)
        return base_lr

    @property
    def _high(self) -> float:
        return self._base_lr.high

    @cached_property
    def _spread(self) -> float:
        low, high = self._base_lr.low, self._base_lr.high
        return math.log(high / low) if high > low > 0 else math.log(10.0)

    @cached_property
    def _settings(self) -> Mapping[str, BaseDistribution]:
        return next(iter(self.space.by_family.values()))

    @cached_property
    def _largest_momentum(self) -> float | None:
        momentum = self._settings["momentum"] if "momentum" in self.space.beside else None
        return momentum.high if isinstance(momentum, FloatDistribution) else None


def is_known_beforehand(space: Space, family: str) -> bool:
    """Return whether a family of the space makes schedules whose curve is known before training."""
    middle = {name: from_unit(distribution, 0.5) for name, distribution in space.by_family[family].items()}
    try:
        return isinstance(space.schedule({FAMILY: family, **middle}), Schedule)
    except InputError:
        return False


def unit_columns(distribution: BaseDistribution, value: Any) -> FloatArray:
    """Return a number's place in its range, 0 .. 1, or a column for each choice of which one is 1."""
    if isinstance(distribution, CategoricalDistribution):
        return np.array([float(value == choice) for choice in distribution.choices])
    return np.array([to_unit(distribution, value)])


def to_unit(distribution: BaseDistribution, value: Any) -> float:
    """Return the place of a value in its range, 0 .. 1; the inverse of `from_unit` where that rounds nothing."""
    if isinstance(distribution, CategoricalDistribution):
        return (distribution.choices.index(value) + 0.5) / len(distribution.choices)
    low, high = _ends(distribution)
    value = min(max(value, low), high)
    if low == high:
        return 0.5
    return math.log(value / low) / math.log(high / low) if _is_log(distribution) else (value - low) / (high - low)


def from_unit(distribution: BaseDistribution, unit: float) -> Any:
    """Return the value at the place `unit`, 0 .. 1, of a range; evenly in the logarithm where the range is."""
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices[min(int(unit * len(distribution.choices)), len(distribution.choices) - 1)]
    low, high = _ends(distribution)
    value = low * (high / low) ** unit if _is_log(distribution) else low + unit * (high - low)
    if isinstance(distribution, IntDistribution):
        return min(max(round(value), distribution.low), distribution.high)
    assert isinstance(distribution, FloatDistribution)
    return float(min(max(value, distribution.low), distribution.high))


def _ends(distribution: BaseDistribution) -> tuple[float, float]:
    """Return the ends of a range; those of whole numbers lie half a step further out, so that all are equally wide."""
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    if isinstance(distribution, IntDistribution):
        return distribution.low - 0.5, distribution.high + 0.5
    return distribution.low, distribution.high


def _is_log(distribution: BaseDistribution) -> bool:
    return isinstance(distribution, FloatDistribution | IntDistribution) and distribution.log
