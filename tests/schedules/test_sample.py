"""What a sample stands for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrsearch.errors import InputError
from lrsearch.schedules import schedule_from_sample
from tests.strategies import quick


def sampled(family, total_steps=1000, steps_per_epoch=10, **sample):
    sample = {"base_lr": 0.1, "warmup_steps": 0, **sample}
    return schedule_from_sample(family, sample, total_steps=total_steps, steps_per_epoch=steps_per_epoch)


@pytest.mark.parametrize(
    ("drawn", "total_steps", "expected"),
    [
        ((900, 300), 1000, (300, 900)),
        ((300, 900), 1000, (300, 900)),
        ((500, 500), 1000, (500, 501)),
        ((10, 10), 10, (9, 10)),
        ((1, 1), 1, (1, 1)),
    ],
)
def test_milestones_are_sorted_and_distinct(drawn, total_steps, expected):
    """Two equal draws come one step apart, wherever the run has room for it."""
    schedule = sampled("multistep", total_steps, gamma=0.5, milestone_1=drawn[0], milestone_2=drawn[1])
    assert expected == schedule.shape.milestones


@quick
@given(
    total_steps=st.integers(20, 2000),
    warmup=st.floats(0.0, 0.1),
    cycles=st.integers(2, 4),
    cycle_mult=st.sampled_from([1, 2]),
)
def test_the_last_cycle_ends_with_training(total_steps, warmup, cycles, cycle_mult):
    """Exactly as many restarts as cycles, whole steps apart, and final_lr at total_steps."""
    warmup_steps = int(warmup * total_steps)
    schedule = sampled(
        "cosine_restarts", total_steps, final_lr=0.001, cycles=cycles, cycle_mult=cycle_mult, warmup_steps=warmup_steps
    )
    lr = schedule.lr(np.arange(warmup_steps, total_steps + 1))
    assert cycles == np.count_nonzero(lr == 0.1)
    np.testing.assert_allclose(lr[-1], 0.001, rtol=1e-12)
    lengths = np.diff([*np.flatnonzero(lr == 0.1), total_steps - warmup_steps])
    np.testing.assert_allclose(lengths, lengths[0] * float(cycle_mult) ** np.arange(cycles), atol=cycle_mult**cycles)


def test_warm_up_begins_where_the_caller_says():
    """warmup_begin_lr enters schedules that have a warm-up, and those alone."""
    sample = {"base_lr": 0.1, "warmup_steps": 50, "final_lr": 0.001}
    run = {"total_steps": 1000, "steps_per_epoch": 10, "warmup_begin_lr": 0.02}
    assert schedule_from_sample("cosine", sample, **run).lr(0) == pytest.approx(0.02, rel=1e-14)
    assert schedule_from_sample("cosine", {**sample, "warmup_steps": 0}, **run).lr(0) == pytest.approx(0.1, rel=1e-14)


@pytest.mark.parametrize(
    ("family", "sample", "message"),
    [
        ("cosinus", {}, "unknown family"),
        (
            "constant",
            {"gamma": 0.5},
            "a sample of constant has no parameter 'gamma'; choose from base_lr, warmup_steps",
        ),
        ("multistep", {"gamma": 0.5, "milestone_1": 3}, "a sample of multistep needs milestone_2"),
        ("reduce_on_plateau", {"factor": 0.5, "patience": 1}, "whole epochs.*got 1000 and 7"),
    ],
)
def test_bad_samples_are_refused_in_words(family, sample, message):
    """Unknown family, unknown name, missing name, a plateau without whole epochs."""
    with pytest.raises(InputError, match=message):
        sampled(family, steps_per_epoch=7, **sample)
