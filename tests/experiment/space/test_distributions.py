"""One searched parameter: its distribution, its values, and the form in which a study stores it."""

import math

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FixedTrial

from lrsearch.experiment.space.distributions import (
    discrete_values,
    distribution_of,
    from_plain,
    size_of,
    suggest_value,
    to_plain,
)
from lrsearch.schedules import Choice, Range

CASES = [
    (Choice(("linear", "cosine")), CategoricalDistribution(("linear", "cosine")), 2),
    (Range(2, 5, log=False, integer=True), IntDistribution(2, 5), 4),
    (Range(1, 8, log=True, integer=True), IntDistribution(1, 8, log=True), 8),
    (Range(0.1, 1.0, log=True, integer=False), FloatDistribution(0.1, 1.0, log=True), math.inf),
    (Range(0.5, 0.5, log=False, integer=False), FloatDistribution(0.5, 0.5), 1),
]


@pytest.mark.parametrize(("bounds", "distribution", "size"), CASES)
def test_bounds_become_a_distribution_that_is_stored_and_read_back(bounds, distribution, size) -> None:
    """Bounds, scale and type survive, and a distribution knows how many values it has."""
    assert distribution == distribution_of(bounds) == from_plain(to_plain(distribution))
    assert size == size_of(distribution)


def test_the_stored_form_is_plain() -> None:
    """As JSON has it."""
    assert {"choices": ["linear", "cosine"]} == to_plain(CASES[0][1])
    assert {"low": 2, "high": 5, "log": False, "integer": True} == to_plain(CASES[1][1])


def test_the_values_of_what_is_not_continuous_are_known() -> None:
    """In their order."""
    assert [("linear", "cosine"), (2, 3, 4, 5), (0.5,)] == [tuple(discrete_values(CASES[i][1])) for i in (0, 1, 4)]


@pytest.mark.parametrize(("index", "value"), [(0, "cosine"), (1, 3), (2, 4), (3, 0.25)])
def test_a_trial_is_asked_by_the_kind_of_its_distribution(index, value) -> None:
    """The trial of a study keeps the very distribution."""
    distribution = CASES[index][1]
    assert value == suggest_value(FixedTrial({"x": value}), "x", distribution)
    trial = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0)).ask()
    suggest_value(trial, "x", distribution)
    assert {"x": distribution} == trial.distributions
