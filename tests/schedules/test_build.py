"""Schedules of any family from plain numbers: what is built, and what is refused in words."""

from __future__ import annotations

import pytest

from lrsearch.errors import InputError
from lrsearch.schedules import make_schedule, schedule_from_params

RUN = {"total_steps": 100, "base_lr": 0.3}


BAD = [
    ("cosinus", {}, "unknown family 'cosinus'; did you mean 'cosine'?"),
    ("wave", {}, "unknown family 'wave'; choose from constant, .*, reduce_on_plateau"),
    ("constant", {"base_lr": 0.0}, "base_lr must be a finite number > 0, got 0.0"),
    ("constant", {"base_lr": float("nan")}, "base_lr must be a finite number > 0, got nan"),
    ("constant", {"base_lr": "0.1"}, "base_lr must be a finite number > 0, got '0.1'"),
    ("constant", {"base_lr": True}, "base_lr must be a finite number > 0, got True"),
    ("constant", {"base_lr": None}, "base_lr must be a finite number > 0, got None"),
    ("constant", {"total_steps": 0}, "total_steps must be a whole number >= 1, got 0"),
    ("constant", {"total_steps": 10.5}, "total_steps must be a whole number >= 1, got 10.5"),
    ("constant", {"warmup_steps": -1}, "warmup_steps must be a whole number >= 0, got -1"),
    ("constant", {"warmup_steps": 100}, "warmup_steps must be at most total_steps - 1 = 99, got 100"),
    ("constant", {"warmup_begin_lr": 0.31}, "warmup_begin_lr must be at most base_lr = 0.3, got 0.31"),
    ("one_cycle", {"warmup_steps": 5}, "warmup_steps of one_cycle must be 0.*got 5"),
    ("cosine", {"final_lr": 0.5}, "final_lr must be at most base_lr = 0.3, got 0.5"),
    ("cosine", {"decay_steps": 96, "warmup_steps": 5}, "decay_steps must be at most total_steps - warmup_steps = 95"),
    ("cosine", {"final_lr": None}, "final_lr must be a finite number >= 0, got None"),
    ("exponential", {}, "exponential needs final_lr: the rate that the decay reaches"),
    ("exponential", {"final_lr": 0.0}, "final_lr must be a finite number > 0, got 0.0"),
    ("step", {"step_size": 10, "gamma": 1.1}, "gamma must be a finite number > 0 and <= 1, got 1.1"),
    ("step", {"step_size": 0.5}, "step_size must be a finite number >= 1, got 0.5"),
    ("multistep", {"milestones": [30, 20]}, r"milestones must be a list of increasing whole numbers.*got \[30, 20\]"),
    ("multistep", {"milestones": []}, r"milestones must be .*got \[\]"),
    ("multistep", {"milestones": [2.5]}, r"milestones must be .*got \[2.5\]"),
    ("multistep", {"milestones": 30}, "milestones must be .*got 30"),
    ("multistep", {"milestones": [101]}, r"milestones must be at most total_steps = 100, got \(101,\)"),
    ("multistep", {"milestones": [5], "warmup_steps": 5}, "milestones must lie after warmup_steps = 5"),
    (
        "cosine_restarts",
        {"first_cycle_steps": 10, "cycle_mult": 1.5},
        "cycle_mult must be a whole number >= 1, got 1.5",
    ),
    (
        "warmup_stable_decay",
        {"decay_steps": 9, "decay_shape": "sqrt"},
        "one of linear, cosine, 1-sqrt, got 'sqrt'",
    ),
    ("reduce_on_plateau", {"factor": 1.0}, "factor must be a finite number > 0 and < 1, got 1.0"),
    ("reduce_on_plateau", {"min_lr": 0.4}, "min_lr must be at most base_lr = 0.3, got 0.4"),
]


@pytest.mark.parametrize(("family", "parameters", "message"), BAD)
def test_a_bad_parameter_is_refused_in_words(family, parameters, message):
    """The message names the parameter, the rule and the value, on one line, as an InputError."""
    with pytest.raises(InputError, match=message) as caught:
        make_schedule(family, **{**RUN, **parameters})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "a schedule needs family, got only nothing"),
        ({"family": "constant", "base_lr": 0.1}, "a schedule needs total_steps, got only family, base_lr"),
        ({"family": "constant", **RUN, "interval": "batch"}, "interval must be 'step' or 'epoch', got 'batch'"),
        ({"family": "constant", **RUN, "lag_lr": 0.1}, "lag_lr needs interval = 'epoch', got lag_lr = 0.1"),
        ({"family": "constant", **RUN, "interval": "epoch", "lag_lr": 0.0}, "lag_lr must be a finite number > 0"),
        ({"family": "reduce_on_plateau", **RUN, "interval": "epoch"}, "reduce_on_plateau acts at epoch boundaries"),
    ],
)
def test_bad_params_are_refused_in_words(params, message):
    """What schedule_from_params cannot read, it names."""
    with pytest.raises(InputError, match=message):
        schedule_from_params(params)
