"""One searched parameter: its distribution, the values that it has, and its stored form."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import BaseTrial

from lrsearch.schedules import Choice, Range


def distribution_of(bounds: Range | Choice) -> BaseDistribution:
    """Return the distribution of what is searched within `bounds`."""
    if isinstance(bounds, Choice):
        return CategoricalDistribution(bounds.choices)
    if bounds.integer:
        return IntDistribution(int(bounds.low), int(bounds.high), log=bounds.log)
    return FloatDistribution(bounds.low, bounds.high, log=bounds.log)


def to_plain(distribution: BaseDistribution) -> dict[str, Any]:
    """Return a distribution as plain data, as a study stores it."""
    if isinstance(distribution, CategoricalDistribution):
        return {"choices": list(distribution.choices)}
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    return {
        "low": distribution.low,
        "high": distribution.high,
        "log": distribution.log,
        "integer": isinstance(distribution, IntDistribution),
    }


def from_plain(plain: Mapping[str, Any]) -> BaseDistribution:
    """Return the distribution that `to_plain` gave."""
    if "choices" in plain:
        return CategoricalDistribution(plain["choices"])
    return distribution_of(Range(plain["low"], plain["high"], plain["log"], plain["integer"]))


def size_of(distribution: BaseDistribution) -> float:
    """Return how many values a distribution has; infinity where it is continuous."""
    continuous = isinstance(distribution, FloatDistribution) and not distribution.single()
    return math.inf if continuous else len(discrete_values(distribution))


def discrete_values(distribution: BaseDistribution) -> Sequence[Any]:
    """Return the values of a distribution that is not continuous."""
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices
    if isinstance(distribution, IntDistribution):
        return range(distribution.low, distribution.high + 1, distribution.step)
    assert isinstance(distribution, FloatDistribution)
    return (distribution.low,)


def nearest(distribution: BaseDistribution, value: Any) -> Any:
    """Return the value of a distribution that comes nearest to another one."""
    if isinstance(distribution, CategoricalDistribution):
        return value
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    within = min(max(value, distribution.low), distribution.high)
    return round(within) if isinstance(distribution, IntDistribution) else within


def suggest_value(trial: BaseTrial, name: str, distribution: BaseDistribution) -> Any:
    """Ask `trial` for the value of a parameter."""
    if isinstance(distribution, CategoricalDistribution):
        return trial.suggest_categorical(name, distribution.choices)
    if isinstance(distribution, IntDistribution):
        return trial.suggest_int(name, distribution.low, distribution.high, log=distribution.log)
    assert isinstance(distribution, FloatDistribution)
    return trial.suggest_float(name, distribution.low, distribution.high, log=distribution.log)
