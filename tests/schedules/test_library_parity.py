"""Over whole runs, our curves are those of transformers, timm and optax, where these have the same curve.

The three are in the dependency group `parity`; where one is missing, its tests are skipped.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from lrsearch.schedules import make_schedule

BASE, FINAL, T, WARMUP = 0.3, 0.01, 280, 24
N = T - WARMUP


def ours(name, **parameters):
    """Return our rates of a whole run, and of the step after it; the family is what precedes a comma."""
    schedule = make_schedule(name.split(",")[0], total_steps=T, base_lr=BASE, **parameters)
    return schedule.lr(np.arange(T + 1))


def sgd():
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=BASE)


TRANSFORMERS = {
    "constant": ("get_constant_schedule_with_warmup", {}, {}),
    "linear": ("get_linear_schedule_with_warmup", {}, {"num_training_steps": T}),
    "cosine": ("get_cosine_schedule_with_warmup", {}, {"num_training_steps": T}),
    "cosine, to a final rate": (
        "get_cosine_with_min_lr_schedule_with_warmup",
        {"final_lr": FINAL},
        {"num_training_steps": T, "min_lr": FINAL},
    ),
    "cosine_restarts": (
        "get_cosine_with_hard_restarts_schedule_with_warmup",
        {"first_cycle_steps": N // 4},
        {"num_training_steps": T, "num_cycles": 4},
    ),
    "polynomial": (
        "get_polynomial_decay_schedule_with_warmup",
        {"power": 2.5, "final_lr": FINAL},
        {"num_training_steps": T, "power": 2.5, "lr_end": FINAL},
    ),
    "square_root": ("get_inverse_sqrt_schedule", {"timescale": 40}, {"timescale": 40}),
    **{
        f"warmup_stable_decay, {decay_shape}": (
            "get_wsd_schedule",
            {"decay_steps": 100, "decay_shape": decay_shape, "final_lr": FINAL},
            {
                "num_training_steps": T,
                "num_decay_steps": 100,
                "decay_type": decay_shape,
                "min_lr_ratio": FINAL / BASE,
            },
        )
        for decay_shape in ("linear", "cosine", "1-sqrt")
    },
}


@pytest.mark.parametrize("name", TRANSFORMERS)
def test_a_whole_run_equals_transformers(name):
    """Warm-up from 0 and what follows, 1e-10 relative (its wsd warms up from min_lr_ratio: a known difference)."""
    optimization = pytest.importorskip("transformers.optimization", reason="transformers is in the group `parity`")
    function, parameters, twin_parameters = TRANSFORMERS[name]
    optimizer = sgd()
    scheduler = getattr(optimization, function)(optimizer, num_warmup_steps=WARMUP, **twin_parameters)
    expected = []
    for _ in range(T + 1):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    begin = FINAL if name.startswith("warmup_stable_decay") else 0.0
    actual = ours(name, warmup_steps=WARMUP, warmup_begin_lr=begin, **parameters)
    # Where the rate reaches 0, both may miss it by a rounding of the peak.
    np.testing.assert_allclose(actual, expected, rtol=1e-10, atol=1e-16)


TIMM = {
    "step": ("StepLRScheduler", {"step_size": 70, "gamma": 0.3}, {"decay_t": 70, "decay_rate": 0.3}),
    "multistep, timm drops one step early": (
        "MultiStepLRScheduler",
        {"milestones": [64, 174], "gamma": 0.3},
        {"decay_t": [64 + 1 - WARMUP, 174 + 1 - WARMUP], "decay_rate": 0.3},
    ),
    "cosine": ("CosineLRScheduler", {"final_lr": FINAL}, {"t_initial": N, "lr_min": FINAL}),
    "cosine, over before the end": (
        "CosineLRScheduler",
        {"final_lr": FINAL, "decay_steps": 200},
        {"t_initial": 200, "lr_min": FINAL},
    ),
    "cosine_restarts": (
        "CosineLRScheduler",
        {"final_lr": FINAL, "first_cycle_steps": 64},
        {"t_initial": 64, "lr_min": FINAL, "cycle_limit": 4},
    ),
    "polynomial": (
        "PolyLRScheduler",
        {"final_lr": FINAL, "power": 0.7},
        {"t_initial": N, "lr_min": FINAL, "power": 0.7},
    ),
    "warmup_stable_decay": (
        "WSDLRScheduler",
        {"final_lr": FINAL, "decay_steps": 100, "decay_shape": "1-sqrt"},
        {"t_initial": N, "lr_min": FINAL, "decay_t": 100, "decay_fn": "1-sqrt"},
    ),
}


@pytest.mark.parametrize("name", TIMM)
def test_a_whole_run_equals_timm(name):
    """With its warm-up before the curve (warmup_prefix), timm's rates are ours, 1e-10 relative."""
    scheduler = pytest.importorskip("timm.scheduler", reason="timm is in the group `parity`")
    factory, parameters, twin_parameters = TIMM[name]
    optimizer = sgd()
    if factory != "WSDLRScheduler":  # It has no other way.
        twin_parameters = {**twin_parameters, "warmup_prefix": True}
    twin = getattr(scheduler, factory)(optimizer, warmup_t=WARMUP, warmup_lr_init=0.02, **twin_parameters)
    expected = []
    for step in range(T + 1):
        twin.step(step)
        expected.append(optimizer.param_groups[0]["lr"])
    actual = ours(name, warmup_steps=WARMUP, warmup_begin_lr=0.02, **parameters)
    np.testing.assert_allclose(actual, expected, rtol=1e-10, atol=0)


OPTAX = {
    "constant": ({}, lambda optax: optax.constant_schedule(BASE)),
    "exponential": ({"final_lr": FINAL}, lambda optax: optax.exponential_decay(BASE, T, FINAL / BASE)),
    "step": (
        {"step_size": 70, "gamma": 0.3},
        lambda optax: optax.exponential_decay(BASE, 70, 0.3, staircase=True),
    ),
    "multistep": (
        {"milestones": [64, 174], "gamma": 0.3},
        lambda optax: optax.piecewise_constant_schedule(BASE, {64: 0.3, 174: 0.3}),
    ),
    "linear": ({"final_lr": FINAL}, lambda optax: optax.linear_schedule(BASE, FINAL, T)),
    "polynomial": (
        {"final_lr": FINAL, "power": 2.5},
        lambda optax: optax.polynomial_schedule(BASE, FINAL, 2.5, T),
    ),
    "cosine": ({"final_lr": FINAL}, lambda optax: optax.cosine_decay_schedule(BASE, T, FINAL / BASE)),
    "cosine, after warm-up": (
        {"final_lr": FINAL, "warmup_steps": WARMUP, "warmup_begin_lr": 0.02},
        lambda optax: optax.warmup_cosine_decay_schedule(0.02, BASE, WARMUP, T, FINAL),
    ),
    "cosine_restarts": (
        {"final_lr": FINAL, "first_cycle_steps": 40, "cycle_mult": 2},
        lambda optax: optax.sgdr_schedule(
            [
                {"init_value": BASE, "peak_value": BASE, "warmup_steps": 0, "decay_steps": length, "end_value": FINAL}
                for length in (40, 80, 160)
            ]
        ),
    ),
    "one_cycle": (
        {"pct_start": 0.25, "div_factor": 20.0, "final_div_factor": 100.0},
        lambda optax: optax.cosine_onecycle_schedule(T, BASE, 0.25, 20.0, 100.0),
    ),
}


@pytest.mark.parametrize("name", OPTAX)
def test_a_whole_run_equals_optax(name):
    """In float64, optax's rates are ours, 1e-10 relative."""
    optax = pytest.importorskip("optax", reason="optax is in the group `parity`")
    jax = pytest.importorskip("jax", reason="jax comes with optax")
    parameters, twin = OPTAX[name]
    with jax.enable_x64(True):
        schedule = twin(optax)
        steps = jax.numpy.arange(T + 1)
        expected = np.asarray(jax.vmap(lambda step: jax.numpy.asarray(schedule(step), dtype=float))(steps)).tolist()
    assert math.isclose(BASE, max(expected), rel_tol=1e-12)
    np.testing.assert_allclose(ours(name, **parameters), expected, rtol=1e-10, atol=0)
