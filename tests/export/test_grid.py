"""Every family in every format: what is written has the searched rates in the real library, or is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from lrsearch.export import FORMATS, render
from lrsearch.export.formats import formats_of
from lrsearch.schedules import FAMILIES, AnySchedule, PerEpoch, step_families
from tests.export.documents import STEPS_PER_EPOCH, assert_same_rates, document, example, refusal
from tests.export.libraries import READERS, expected_rates

OPTIMIZERS: dict[str, dict[str, Any]] = {
    "momentum": {"name": "sgd", "momentum": 0.9, "weight_decay": 0.0005},
    "nesterov": {"name": "sgd", "momentum": 0.9, "nesterov": True},
    "adam": {"name": "adam", "beta2": 0.99},
    "adamw": {"name": "adamw", "weight_decay": 0.01},
}


def variants(family: str) -> Iterator[tuple[str, AnySchedule]]:
    """Yield a family's example as a study may have it: warmed up or not, rescaled, by the epoch, an epoch late."""
    schedule = example(family)
    yield "by the step", schedule
    if FAMILIES[family].takes_warmup:
        yield "without warm-up", example(family, warmup_steps=0)
    yield "to 193 steps", schedule.scaled_to(193)
    yield "by the epoch", PerEpoch(schedule)
    yield "an epoch late", PerEpoch(schedule, 0.7)


def must_be_refused(form: str, family: str, variant: str) -> bool | None:
    """Return whether a format cannot have this; None where it depends on the numbers, which other tests draw."""
    if form == "hf":
        if variant in ("by the epoch", "an epoch late") or "transformers" not in FAMILIES[family].twins:
            return True
        return None if variant == "to 193 steps" or family in ("cosine_restarts", "warmup_stable_decay") else False
    if form == "timm":
        if variant == "an epoch late" or "timm" not in FAMILIES[family].twins:
            return True
        return None if variant == "to 193 steps" else False
    return form == "optax" and FAMILIES[family].optax is None


# optax compiles every curve anew, which takes a second.
GRID = [
    pytest.param(
        form,
        family,
        variant,
        schedule,
        id=f"{form}-{family}-{variant}",
        marks=[pytest.mark.slow] if form == "optax" and variant != "an epoch late" else [],
    )
    for form in FORMATS
    for family in step_families()
    for variant, schedule in variants(family)
]


@pytest.mark.parametrize(("form", "family", "variant", "schedule"), GRID)
def test_every_cell_is_exact_or_refused(form, family, variant, schedule):
    """With any of four optimizers beside it: the searched rates over the whole run, or one line that says why not."""
    optimizer = list(OPTIMIZERS.values())[len(family + variant) % len(OPTIMIZERS)]
    reason, refused = refusal(schedule, form, optimizer=optimizer), must_be_refused(form, family, variant)
    assert refused in (None, bool(reason))
    if reason:
        assert f"cannot express this {family} exactly: " in reason
        return
    expected = expected_rates(schedule)
    if form == "optax" and isinstance(schedule, PerEpoch):
        expected = np.repeat(expected, STEPS_PER_EPOCH)
    actual = READERS[form](schedule, len(expected), optimizer=optimizer)
    assert_same_rates(expected, actual, schedule.base_lr)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("form", FORMATS)
def test_every_format_names_the_optimizer_and_its_numbers(form, name):
    """Momentum, Nesterov, Adam's betas, AdamW's decay: none is lost on the way."""
    given = OPTIMIZERS[name]
    text = render(document(example("cosine"), optimizer=given), form)
    for key, value in given.items():
        assert key in text
        assert json.dumps(value).strip('"') in text or str(value) in text


@pytest.mark.parametrize("family", step_families())
def test_the_formats_of_a_family_are_those_that_take_some_of_it(family):
    """Each takes one variant of the family at least, and every other format refuses them all."""
    taken = [form for form in FORMATS if not all(refusal(schedule, form) for _, schedule in variants(family))]
    assert taken == list(formats_of(family))
