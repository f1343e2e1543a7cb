"""What is exported for optax, by the epoch, compiled and in float32."""

from __future__ import annotations

import numpy as np
import pytest

from lrsearch.schedules import FAMILIES, PerEpoch, step_families
from tests.export.documents import STEPS_PER_EPOCH, T, assert_same_rates, example, run_code
from tests.export.libraries import optax_rates


@pytest.mark.parametrize("lag_lr", [None, 0.7])
def test_optax_counts_the_updates_of_a_schedule_by_the_epoch(lag_lr):
    """Stepped by the epoch: every update of an epoch has the epoch's rate."""
    schedule = PerEpoch(example("multistep"), lag_lr)
    expected = np.concatenate([schedule.epoch_lr(epoch, STEPS_PER_EPOCH) for epoch in range(T)])
    assert_same_rates(expected, optax_rates(schedule, T * STEPS_PER_EPOCH), schedule.base_lr)


def compiled_rates(schedule, steps):
    """Return the rates of updates 0 .. steps - 1 as a compiled training step of jax has them, in its float32."""
    pytest.importorskip("optax", reason="optax is in the group `parity`")
    jax = pytest.importorskip("jax", reason="jax comes with optax")
    made = run_code(schedule, "optax")["make_schedule"]()
    rates = jax.jit(lambda: jax.lax.map(lambda count: jax.numpy.float32(made(count)), jax.numpy.arange(steps)))()
    assert rates.dtype == np.float32
    return np.asarray(rates)


@pytest.mark.parametrize("family", [name for name in step_families() if FAMILIES[name].optax])
def test_optax_has_the_rates_under_jit_and_float32(family):
    """Compiled, and in jax's default precision, nothing is off by a step: 1e-5 of the peak."""
    for schedule in (example(family), example(family).scaled_to(193)):
        steps = schedule.total_steps + 1
        np.testing.assert_allclose(compiled_rates(schedule, steps), schedule.lr(np.arange(steps)), rtol=1e-4, atol=3e-6)


@pytest.mark.parametrize("step_size", [41, 82, 121, 131, 242, 337])
def test_optax_drops_in_time_whatever_the_step_size(step_size):
    """A division that is compiled as a product comes out below the whole number at many step sizes."""
    schedule = example("step", total_steps=1000, step_size=step_size)
    np.testing.assert_allclose(compiled_rates(schedule, 1001), schedule.lr(np.arange(1001)), rtol=1e-5)
