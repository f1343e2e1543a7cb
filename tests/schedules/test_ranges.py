"""The default ranges, what a study file may change in them, and what a sample stands for."""

from __future__ import annotations

import numpy as np
import pytest

from lrsearch.errors import InputError
from lrsearch.schedules import FAMILIES, Choice, Range, resolve_ranges

RUN = {"total_steps": 1000, "epochs": 10, "momentum": 0.0}
WSD = "warmup_stable_decay"


def test_the_published_ranges():
    """Every range as the documentation gives it, for 1000 steps, 10 epochs and no momentum."""
    published = {
        "base_lr": Range(0.01, 1.0, log=True),
        "warmup_steps": Range(0, 100, integer=True),
        "final_lr": Range(1e-5, 1e-2, log=True),
        "gamma": Range(0.1, 0.8, log=True),
        "step_size": Range(100, 500, integer=True),
        "milestone_1": Range(250, 950, integer=True),
        "milestone_2": Range(250, 950, integer=True),
        "timescale": Range(3, 1000, log=True, integer=True),
        "power": Range(0.5, 4.0, log=True),
        "cycles": Range(2, 4, integer=True),
        "cycle_mult": Choice((1, 2)),
        "pct_start": Range(0.1, 0.45),
        "div_factor": Range(5.0, 50.0, log=True),
        "final_div_factor": Range(10.0, 1e4, log=True),
        "decay_steps": Range(100, 800, integer=True),
        "decay_shape": Choice(("linear", "cosine", "1-sqrt")),
        "beta": Range(0.1, 1.0, log=True),
        "exponent": Range(0.25, 1.0, log=True),
        "cooldown_shape": Choice(("1-y^p", "(1-y)^p")),
        "cooldown_power": Range(0.25, 4.0, log=True),
        "interpolation": Range(0.8, 0.98),
        **{f"factor_{point}": Range(1e-3 if point < 5 else 1e-4, 1.0, log=True) for point in range(1, 6)},
        "factor": Range(0.1, 0.6, log=True),
        "patience": Range(1, 5, integer=True),
    }
    merged = {}
    for family in FAMILIES:
        ranges = resolve_ranges(family, {}, **RUN)
        assert {name: published.get(name, searched) for name, searched in ranges.items()} == ranges
        merged |= ranges
    assert published.items() <= merged.items()


@pytest.mark.parametrize(("momentum", "low", "high"), [(0.0, 0.01, 1.0), (0.9, 0.001, 0.1), (0.5, 0.005, 0.5)])
def test_momentum_shrinks_the_rates(momentum, low, high):
    """Ranges of rates are 1 - momentum times as high, base_lr and final_lr alike; nothing else changes."""
    ranges = resolve_ranges("cosine", {}, total_steps=1000, epochs=10, momentum=momentum)
    assert Range(low, high, log=True) == ranges["base_lr"]
    np.testing.assert_allclose([ranges["final_lr"].low, ranges["final_lr"].high], [low / 1000, low], rtol=1e-12)
    assert resolve_ranges("cosine", {}, **RUN)["warmup_steps"] == ranges["warmup_steps"]


@pytest.mark.parametrize(
    ("base_lr", "final_lr"),
    [
        ((0.01, 1.0), (1e-5, 1e-2)),
        ((1e-4, 1e-2), (1e-7, 1e-4)),
        ((3e-5, 3e-4), (3e-8, 3e-6)),
        ((1e-4, 1.0), (1e-7, 1e-4)),  # not above the smallest base_lr
        ((0.3, 0.3), (3e-4, 3e-3)),
    ],
)
def test_the_range_of_final_lr_follows_that_of_base_lr(base_lr, final_lr):
    """Each bound keeps its ratio to the same bound of base_lr, so that a change of base_lr alone gives a space."""
    override = {"base_lr": {"low": base_lr[0], "high": base_lr[1]}}
    for overrides in (override, {"cosine": override}):
        assert Range(*final_lr, log=True) == resolve_ranges("cosine", overrides, **RUN)["final_lr"]
    given = resolve_ranges("cosine", {**override, "final_lr": {"high": base_lr[0] / 50}}, **RUN)["final_lr"]
    assert (final_lr[0], base_lr[0] / 50) == (given.low, given.high)


@pytest.mark.parametrize("optimizer", ["adam", "adamw"])
def test_the_default_rates_of_adam_are_a_hundredth(optimizer):
    """1e-4 to 1e-2, and final_lr in its ratio; nothing else changes."""
    ranges = resolve_ranges("cosine", {}, **RUN, optimizer=optimizer)
    assert (Range(1e-4, 1e-2, log=True), Range(1e-7, 1e-4, log=True)) == (ranges["base_lr"], ranges["final_lr"])
    assert resolve_ranges("cosine", {}, **RUN)["warmup_steps"] == ranges["warmup_steps"]


def test_final_lr_may_be_0():
    """Low = 0 needs no log = false; low = high = 0 searches decays to 0; a family that cannot reach it says so."""
    assert Range(0, 0.01) == resolve_ranges("cosine", {"final_lr": {"low": 0}}, **RUN)["final_lr"]
    assert Range(0, 0) == resolve_ranges("cosine", {"final_lr": {"low": 0, "high": 0}}, **RUN)["final_lr"]
    with pytest.raises(InputError, match=r"final_lr must be a finite number > 0.*leave exponential out"):
        resolve_ranges("exponential", {"final_lr": {"low": 0, "high": 0}}, **RUN)


def test_patience_is_no_longer_than_the_run():
    """Three epochs leave no room for a patience of five."""
    ranges = resolve_ranges("reduce_on_plateau", {}, total_steps=30, epochs=3, momentum=0.0)
    assert Range(1, 3, integer=True) == ranges["patience"]


def test_overrides_for_all_families_and_for_one():
    """What the study file leaves out keeps its default; a family's own table wins; rates are taken as given."""
    overrides = {
        "base_lr": {"low": 0.05, "high": 0.5},
        "decay_steps": {"high": 0.5},
        WSD: {"base_lr": {"high": 0.4, "log": False}, "decay_shape": {"choices": ["cosine"]}},
    }
    cosine = resolve_ranges("cosine", overrides, total_steps=1000, epochs=10, momentum=0.9)
    assert Range(0.05, 0.5, log=True) == cosine["base_lr"]
    wsd = resolve_ranges(WSD, overrides, **RUN)
    assert Range(0.05, 0.4) == wsd["base_lr"]
    assert Range(100, 500, integer=True) == wsd["decay_steps"]
    assert Choice(("cosine",)) == wsd["decay_shape"]
    assert Range(5e-5, 4e-3, log=True) == wsd["final_lr"]  # in its ratio to base_lr's


BAD = [
    ({"base_rate": {"low": 1}}, "unknown name 'base_rate'; the parameters are base_lr, .*; the families are constant"),
    (
        {"cosine": {"gamma": {"low": 0.1}}},
        "cosine has no parameter 'gamma'; choose from base_lr, warmup_steps, final_lr",
    ),
    ({"base_lr": 0.3}, "base_lr must be a table such as {low = ..., high = ...}, got 0.3"),
    ({"base_lr": {"lo": 0.3}}, "base_lr takes low, high, log; got 'lo'"),
    ({"decay_shape": {"low": 0.3}}, "decay_shape takes choices; got 'low'"),
    ({"decay_shape": {"choices": []}}, r"choices of decay_shape must be a list of at least one value, got \[\]"),
    ({"base_lr": {"low": 0.5, "high": 0.1}}, "low of base_lr must not exceed high, got low = 0.5, high = 0.1"),
    ({"base_lr": {"low": 0.0}}, "low of base_lr must be > 0 where log = true, got 0.0"),
    ({"base_lr": {"low": "x"}}, "low of base_lr must be a finite number, got 'x'"),
    ({"base_lr": {"high": True}}, "high of base_lr must be a finite number, got True"),
    ({"base_lr": {"log": "yes"}}, "log of base_lr must be true or false, got 'yes'"),
    ({"warmup_steps": {"high": 500}}, "warmup_steps counts as a fraction of total_steps, from 0 to 1, got 0.0 .. 500"),
    ({"final_lr": {"high": 0.1}}, "ranges of .* make no schedule: final_lr must be at most base_lr = 0.01, got 0.1"),
    ({"base_lr": {"low": 0.0, "log": False}}, "low of base_lr must be > 0, got 0.0"),
    ({"warmup_steps": {"high": 0.5}}, "make no schedule: decay_steps must be at most total_steps - warmup_steps = 500"),
    ({"decay_shape": {"choices": ["linear", "sine"]}}, "make no schedule: decay_shape must be one of .*got 'sine'"),
]


@pytest.mark.parametrize(("overrides", "message"), BAD)
def test_bad_overrides_are_refused_in_words(overrides, message):
    """Unknown names, ranges that are none, and ranges from which no schedule can be built, before anything is drawn."""
    with pytest.raises(InputError, match=message):
        resolve_ranges(WSD, overrides, **RUN)


def test_whole_numbers_stay_whole():
    """A count cannot be given a fractional bound."""
    with pytest.raises(InputError, match=r"cycles takes whole numbers, got 2 .. 3.5"):
        resolve_ranges("cosine_restarts", {"cycles": {"high": 3.5}}, **RUN)


@pytest.mark.parametrize("momentum", [-0.1, 1.0])
def test_momentum_is_below_one(momentum):
    """The scale 1 - momentum must be positive."""
    with pytest.raises(InputError, match=f"momentum must be >= 0 and < 1, got {momentum}"):
        resolve_ranges("cosine", {}, total_steps=10, epochs=1, momentum=momentum)


def test_base_lr_begins_where_a_given_final_lr_ends() -> None:
    """In all families alike; a study of Adam that gives final_lr alone was made so when base_lr's default was SGD's."""
    for family in ("cosine", "constant"):
        ranges = resolve_ranges(
            family, {"final_lr": {"high": 1e-3}}, total_steps=100, epochs=2, momentum=0.0, optimizer="adam"
        )
        assert (1e-3, 1e-2) == (ranges["base_lr"].low, ranges["base_lr"].high)
