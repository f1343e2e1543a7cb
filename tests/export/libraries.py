"""The rates that the real libraries have when they are given what is exported for them."""

from __future__ import annotations

from dataclasses import fields
from types import SimpleNamespace

import numpy as np
import pytest

from lrsearch.export import render
from lrsearch.schedules import PerEpoch
from tests.export.documents import STEPS_PER_EPOCH, document, run_code, run_text, sgd


def hf_rates(schedule, steps, *, approximate=False, **tables):
    """Return the rates that transformers' trainer would use: its scheduler, made from the exported arguments."""
    transformers = pytest.importorskip("transformers", reason="transformers is in the group `parity`")
    arguments = run_text(render(document(schedule, **tables), "hf", approximate=approximate))["TRAINING_ARGUMENTS"]
    assert set(arguments) <= {field.name for field in fields(transformers.TrainingArguments)}
    total = arguments["max_steps"]
    warmup = transformers.TrainingArguments.get_warmup_steps(SimpleNamespace(**arguments), total)
    optimizer = sgd(arguments["learning_rate"])
    scheduler = transformers.get_scheduler(
        arguments["lr_scheduler_type"], optimizer, warmup, total, arguments["lr_scheduler_kwargs"]
    )
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def timm_rates(schedule, steps, *, approximate=False, **tables):
    """Return the rates of a loop with the scheduler that timm's factory makes from the exported arguments."""
    timm = pytest.importorskip("timm.scheduler", reason="timm is in the group `parity`")
    optimizer = sgd(schedule.base_lr)
    text = render(document(schedule, **tables), "timm", approximate=approximate)
    scheduler, _ = timm.create_scheduler_v2(optimizer, **run_text(text)["SCHEDULER_ARGUMENTS"])
    step = scheduler.step if isinstance(schedule, PerEpoch) else scheduler.step_update
    rates = []
    for done in range(1, steps + 1):
        rates.append(optimizer.param_groups[0]["lr"])
        step(done)
    return rates


def optax_rates(schedule, steps, **tables):
    """Return the rates of the schedule that the exported file builds, in float64."""
    pytest.importorskip("optax", reason="optax is in the group `parity`")
    jax = pytest.importorskip("jax", reason="jax comes with optax")
    by_epoch = isinstance(schedule, PerEpoch)
    with jax.enable_x64(True):
        made = run_code(schedule, "optax", **tables)["make_schedule"](*([STEPS_PER_EPOCH] if by_epoch else []))
        rates = jax.vmap(lambda count: jax.numpy.asarray(made(count), dtype=float))(jax.numpy.arange(steps))
        return np.asarray(rates).tolist()


RATES = {"hf": hf_rates, "timm": timm_rates, "optax": optax_rates}
