"""Over whole runs, our curves are PyTorch's, at 1e-10 relative in float64."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from torch.optim import lr_scheduler as torch_lr

from lrsearch.schedules import make_schedule

BASE, FINAL, T = 0.3, 0.01, 300


def torch_rates(make_scheduler, steps, base_lr=BASE):
    """Return the rates that torch gives to updates 0 .. steps - 1."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=base_lr)
    scheduler = make_scheduler(optimizer)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return np.array(rates)


CASES = {
    "constant": ({}, lambda opt: torch_lr.ConstantLR(opt, factor=1.0, total_iters=T)),
    "exponential": ({"final_lr": FINAL}, lambda opt: torch_lr.ExponentialLR(opt, (FINAL / BASE) ** (1 / T))),
    "step": ({"step_size": 70, "gamma": 0.3}, lambda opt: torch_lr.StepLR(opt, 70, 0.3)),
    "multistep": (
        {"milestones": [40, 150, 151, 300], "gamma": 0.4},
        lambda opt: torch_lr.MultiStepLR(opt, [40, 150, 151, 300], 0.4),
    ),
    "multistep, one listed twice": (
        {"milestones": [40, 150, 150], "gamma": 0.4},
        lambda opt: torch_lr.MultiStepLR(opt, [40, 150, 150], 0.4),
    ),
    "linear": ({"final_lr": FINAL}, lambda opt: torch_lr.LinearLR(opt, 1.0, FINAL / BASE, T)),
    "polynomial": ({"power": 2.5}, lambda opt: torch_lr.PolynomialLR(opt, T, 2.5)),
    "cosine": ({"final_lr": FINAL}, lambda opt: torch_lr.CosineAnnealingLR(opt, T, FINAL)),
    "cosine_restarts": (
        {"first_cycle_steps": 50, "cycle_mult": 1, "final_lr": FINAL},
        lambda opt: torch_lr.CosineAnnealingWarmRestarts(opt, 50, 1, FINAL),
    ),
    "cosine_restarts, longer ones": (
        {"first_cycle_steps": 30, "cycle_mult": 2, "final_lr": FINAL},
        lambda opt: torch_lr.CosineAnnealingWarmRestarts(opt, 30, 2, FINAL),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_whole_run_equals_torch(name):
    """Every rate of 300 updates, at 1e-10 relative (torch's recursive forms stay within that over 300 updates)."""
    parameters, scheduler = CASES[name]
    ours = make_schedule(name.split(",")[0], total_steps=T, base_lr=BASE, **parameters).lr(np.arange(T))
    np.testing.assert_allclose(ours, torch_rates(scheduler, T), rtol=1e-10, atol=0)


@pytest.mark.parametrize("warmup_steps", [1, 50])
@pytest.mark.parametrize("after", ["cosine", "linear", "step"])
def test_warm_up_equals_torch_sequential(warmup_steps, after):
    """Warm-up and what follows it are torch's SequentialLR of LinearLR and the twin on its own clock."""
    n, begin = T - warmup_steps, 0.02
    parameters = {"step_size": 70, "gamma": 0.3} if after == "step" else {"final_lr": FINAL}
    twins = {
        "cosine": lambda opt: torch_lr.CosineAnnealingLR(opt, n, FINAL),
        "linear": lambda opt: torch_lr.LinearLR(opt, 1.0, FINAL / BASE, n),
        "step": lambda opt: torch_lr.StepLR(opt, 70, 0.3),
    }

    def sequential(optimizer):
        warm_up = torch_lr.LinearLR(optimizer, begin / BASE, 1.0, warmup_steps)
        return torch_lr.SequentialLR(optimizer, [warm_up, twins[after](optimizer)], [warmup_steps])

    ours = make_schedule(
        after, total_steps=T, base_lr=BASE, warmup_steps=warmup_steps, warmup_begin_lr=begin, **parameters
    )
    with warnings.catch_warnings():
        # SequentialLR calls step(epoch), which torch itself warns about.
        warnings.filterwarnings("ignore", message=".*epoch parameter in `scheduler.step", category=UserWarning)
        expected = torch_rates(sequential, T)
    np.testing.assert_allclose(ours.lr(np.arange(T)), expected, rtol=1e-10, atol=0)


@pytest.mark.parametrize(("peak", "div_factor", "final_div_factor"), [(90, 25.0, 1e4), (30, 5.0, 10.0)])
@pytest.mark.parametrize("known_difference", ["torch counts to total_steps - 1, and its rise ends one step early"])
def test_one_cycle_equals_torch(peak, div_factor, final_div_factor, known_difference):
    """Torch's OneCycleLR over one step more, told a pct_start that lets its rise end where ours does, is the same."""
    ours = make_schedule(
        "one_cycle",
        total_steps=T,
        base_lr=BASE,
        pct_start=peak / T,
        div_factor=div_factor,
        final_div_factor=final_div_factor,
    )

    def twin(optimizer):
        return torch_lr.OneCycleLR(
            optimizer,
            max_lr=BASE,
            total_steps=T + 1,
            pct_start=(peak + 1) / (T + 1),
            div_factor=div_factor,
            final_div_factor=final_div_factor,
            cycle_momentum=False,
        )

    np.testing.assert_allclose(ours.lr(np.arange(T + 1)), torch_rates(twin, T + 1), rtol=1e-10, atol=0)


def test_square_root_equals_torch_lambda():
    """The article's square root has no torch class; its formula in a LambdaLR is the same curve."""
    ours = make_schedule("square_root", total_steps=T, base_lr=0.1, timescale=1).lr(np.arange(T))
    expected = torch_rates(lambda opt: torch_lr.LambdaLR(opt, lambda e: (e + 1.0) ** -0.5), T, base_lr=0.1)
    np.testing.assert_allclose(ours, expected, rtol=1e-10, atol=0)
