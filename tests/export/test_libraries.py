"""What is exported for transformers, timm and optax is run with them and has the searched rates, or is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from lrsearch.export import hf, timm
from lrsearch.schedules import schedule_from_sample, step_families
from tests.export.documents import assert_same_rates, example, refusal
from tests.export.libraries import EXPRESSED, RATES
from tests.strategies import samples, schedules


def variants(family, form):
    """Return examples of a family that the format must express, by what is special in them."""
    suited = {"warmup_begin_lr": 0.01} if (form, family) == ("hf", "warmup_stable_decay") else {}
    schedules = {"": example(family, **suited)}
    if family != "one_cycle":
        even = {"first_cycle_steps": 70} if family == "cosine_restarts" else {}
        schedules["no warm-up"] = example(family, warmup_steps=0, **even)
    if form != "hf" and family != "one_cycle":
        schedules["warm-up from a rate"] = example(family, warmup_begin_lr=0.02)
    if family in ("linear", "cosine"):
        schedules["down to 0"] = example(family, final_lr=0.0)
    if family == "cosine" and form != "hf":
        schedules["over before the end"] = example(family, decay_steps=200)
    if family == "cosine_restarts" and form != "hf":
        schedules["growing cycles"] = example(family, first_cycle_steps=36, cycle_mult=2, final_lr=0.01)
        schedules["cut off"] = example(family, first_cycle_steps=100)
    if family == "warmup_stable_decay":
        for shape in ("linear", "cosine"):
            schedules[shape] = example(family, decay_shape=shape, **suited)
    if form == "optax":
        schedules["rescaled"] = example(family).scaled_to(193)
    return schedules


# optax compiles every curve anew, which takes half a second.
SPARED = {"rescaled", "no warm-up", "warm-up from a rate"}
CASES = [
    pytest.param(
        form,
        schedule,
        id=f"{form}-{family}{special and ', '}{special}",
        marks=[pytest.mark.integration] if form == "optax" and special in SPARED else [],
    )
    for form, families in EXPRESSED.items()
    for family in families
    for special, schedule in variants(family, form).items()
]


@pytest.mark.parametrize(("form", "schedule"), CASES)
def test_the_real_library_has_the_searched_rates(form, schedule):
    """Each library, given what is exported, has the rates of the whole run and of the step after it."""
    steps = schedule.total_steps + 1
    assert_same_rates(schedule.lr(np.arange(steps)), RATES[form](schedule, steps), schedule.base_lr)


def check_draws(form, family, draws, examples):
    """Hold `examples` drawn schedules against the library, unless they are refused; return the refusals."""
    seen = []

    @settings(max_examples=examples, deadline=None)
    @given(draws)
    def check(schedule):
        seen.append(refusal(schedule, form))
        if not seen[-1]:
            steps = schedule.total_steps + 1
            assert_same_rates(schedule.lr(np.arange(steps)), RATES[form](schedule, steps), schedule.base_lr)

    check()
    assert family in EXPRESSED[form] or all(seen)


def searched(family):
    """Return a strategy of what a search draws from the default ranges of a family, over 120 steps."""
    return samples(family, total_steps=120, epochs=30).map(
        lambda sample: schedule_from_sample(family, sample, total_steps=120, steps_per_epoch=4)
    )


FEW = {"hf": 6, "timm": 6, "optax": 1}  # optax takes a tenth of a second a curve


@pytest.mark.parametrize("form", RATES)
@pytest.mark.parametrize("family", step_families())
def test_what_is_not_refused_is_exact(form, family):
    """For any numbers of a family, the library has its curve, or the export is refused; so too where a search drew."""
    check_draws(form, family, schedules(family, max_steps=60) | searched(family), FEW[form])


@pytest.mark.slow
@pytest.mark.parametrize("form", RATES)
@pytest.mark.parametrize("family", step_families())
def test_what_is_not_refused_is_exact_in_many_draws(form, family):
    """The same, a hundred times."""
    check_draws(form, family, schedules(family, max_steps=60) | searched(family), 100)


def test_the_exports_know_what_a_family_says_of_itself():
    """The families that transformers and timm are given arguments for are those that name a twin there."""
    assert set(hf._FAMILIES) == set(EXPRESSED["hf"])
    assert set(timm._FAMILIES) == set(EXPRESSED["timm"])
    assert {"constant", "rex", "one_cycle"} < set(EXPRESSED["optax"])
