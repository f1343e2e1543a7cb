"""What a parameter is: its rule in words, the values it takes, and how it scales."""

from __future__ import annotations

import numpy as np
import pytest

from lrsearch.errors import InputError
from lrsearch.schedules import PerEpoch, make_schedule
from lrsearch.schedules.families import Cosine
from lrsearch.schedules.parameters import Limit, Parameter, Span, parameters_of, rules

RUN = {"total_steps": 100, "base_lr": 0.3}


def test_numbers_of_numpy_become_plain():
    """A sampler's numpy numbers give the same schedule as plain ones, and plain JSON."""
    given = {"total_steps": np.int64(100), "base_lr": np.float64(0.3), "milestones": [np.int64(30)], "gamma": 1}
    schedule = make_schedule("multistep", **given)
    assert make_schedule("multistep", **RUN, milestones=[30], gamma=1.0) == schedule
    assert {int, float, str, list} == {type(value) for value in schedule.params().values()}
    assert int is type(schedule.params()["milestones"][0])
    assert PerEpoch(schedule, np.float64(0.1)).params()["lag_lr"] == 0.1


@pytest.mark.parametrize(
    ("parameter", "rule"),
    [
        (Parameter("", low=0.5), "a finite number >= 0.5"),
        (Parameter("", high=1, above=True, below=True), "a finite number > 0 and < 1"),
        (Parameter("", "whole", low=1), "a whole number >= 1"),
        (Parameter("", "milestones", low=1), "a list of increasing whole numbers, each >= 1"),
        (Parameter("", "choice", choices=("a", "b")), "one of a, b"),
    ],
)
def test_a_rule_in_words(parameter, rule):
    """As error messages quote it."""
    assert rule == parameter.rule


@pytest.mark.parametrize(
    ("parameter", "value", "plain"),
    [
        (Parameter("", "whole"), 3.0, 3),
        (Parameter("", "steps"), 2.5, 2.5),
        (Parameter("", "steps"), 2.0, 2),
        (Parameter("", "number"), 2, 2.0),
        (Parameter("", "milestones"), [3, np.int64(5)], (3, 5)),
        (Parameter("", "choice", choices=("a", "b")), "b", "b"),
    ],
)
def test_a_value_becomes_plain(parameter, value, plain):
    """Whole counts become ints, numbers floats, lists tuples."""
    actual = parameter.plain("x", value)
    assert (plain, type(plain)) == (actual, type(actual))


@pytest.mark.parametrize("value", [float("inf"), 10**400, "3", True, None, -1])
def test_what_is_no_number_of_the_rule_is_refused(value):
    """Infinity, a number beyond floats, text, a truth value, nothing, and one below the bound."""
    with pytest.raises(InputError, match="x must be a whole number >= 0, got "):
        Parameter("", "whole").plain("x", value)


def test_a_value_must_fit_into_the_run():
    """Bounds that depend on the run are named with their value."""
    span = Span(0.3, 5, 100)
    at_most = Parameter("", "steps", limit=Limit("the rest", lambda span: span.steps))
    at_most.check("x", 95, span)
    with pytest.raises(InputError, match="x must be at most the rest = 95, got 96"):
        at_most.check("x", 96, span)
    with pytest.raises(InputError, match=r"x must be at least half = 50\.0, got 49"):
        Parameter("", "steps", least=Limit("half", lambda span: span.total_steps / 2)).check("x", 49, span)
    with pytest.raises(InputError, match="x must lie after warmup_steps = 5"):
        Parameter("", "milestones").check("x", (5, 9), span)


def test_only_steps_scale_with_the_run():
    """Milestones stay whole and behind the warm-up; counts of steps become real, within their bounds; rates stay."""
    span = Span(0.3, 4, 50)
    assert (5, 15) == Parameter("", "milestones").scaled((6, 30), 0.5, span)
    assert 2.5 == Parameter("", "steps", low=1).scaled(5, 0.5, span)
    assert 1 == Parameter("", "steps", low=1).scaled(1, 0.5, span)
    assert 46 == Parameter("", "steps", limit=Limit("n", lambda span: span.steps)).scaled(100, 0.5, span)
    assert 0.1 == Parameter("").scaled(0.1, 0.5, span)


def test_an_unset_optional_parameter_is_none_of_a_shape():
    """decay_steps of a cosine has a rule, and appears only where it is given."""
    assert ["final_lr", "decay_steps"] == list(rules(Cosine))
    assert ["final_lr"] == [name for name, _, _ in parameters_of(Cosine())]
    assert ["final_lr", "decay_steps"] == [name for name, _, _ in parameters_of(Cosine(decay_steps=5))]
