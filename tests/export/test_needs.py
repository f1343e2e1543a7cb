"""What an exported configuration needs beside its schedule."""

from __future__ import annotations

import pytest

from lrsearch.config import OptimizerConfig
from lrsearch.export.needs import needed_beside
from lrsearch.schedules import make_schedule

FREE = make_schedule("schedule_free", total_steps=10, base_lr=0.5, interpolation=0.8)
LINEAR = make_schedule("linear", total_steps=10, base_lr=0.5)


@pytest.mark.parametrize(
    ("optimizer", "schedule", "said"),
    [
        ({"weight_decay": 0.01}, FREE, "SGDScheduleFree(parameters, momentum=0.8, weight_decay=0.01)"),
        ({"name": "adamw"}, FREE, "AdamWScheduleFree(parameters, betas=(0.8, 0.999), weight_decay=0.0)"),
        ({"average": "ema", "ema_decay": 0.99}, LINEAR, "an exponential average of the weights that keeps 0.99"),
        ({}, LINEAR, ""),
    ],
)
def test_an_average_is_named_with_its_numbers(optimizer, schedule, said) -> None:
    """As a call of the library that has it; nothing is said where there is none."""
    needs = needed_beside(OptimizerConfig(**optimizer), schedule)
    assert said in needs
    assert bool(said) == bool(needs)
