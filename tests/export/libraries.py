"""The rates that the real libraries have when they are given what is exported for them."""

from __future__ import annotations

import json
import tomllib
from dataclasses import fields
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import yaml

from lrsearch.export import render
from lrsearch.schedules import FAMILIES, AnySchedule, PerEpoch, schedule_from_params, step_families
from tests.export.documents import STEPS_PER_EPOCH, document, run_code, run_text, sgd

EXPRESSED = {
    "hf": tuple(family for family in step_families() if "transformers" in FAMILIES[family].twins),
    "timm": tuple(family for family in step_families() if "timm" in FAMILIES[family].twins),
    "optax": tuple(family for family in step_families() if FAMILIES[family].optax is not None),
}


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


_OPTAX_STEPS = 1200
"""For which optax is asked at least: JAX compiles an operation once for each length of its arrays."""


def optax_rates(schedule, steps, **tables):
    """Return the rates of the schedule that the exported file builds, in float64."""
    pytest.importorskip("optax", reason="optax is in the group `parity`")
    jax = pytest.importorskip("jax", reason="jax comes with optax")
    by_epoch = isinstance(schedule, PerEpoch)
    with jax.enable_x64(True):
        made = run_code(schedule, "optax", **tables)["make_schedule"](*([STEPS_PER_EPOCH] if by_epoch else []))
        counts = jax.numpy.arange(max(steps, _OPTAX_STEPS))
        rates = jax.vmap(lambda count: jax.numpy.asarray(made(count), dtype=float))(counts)
        return np.asarray(rates)[:steps].tolist()


RATES = {"hf": hf_rates, "timm": timm_rates, "optax": optax_rates}


def python_rates(schedule: AnySchedule, steps: int, **tables: Any) -> list[float]:
    """Return the rates of a loop with the exported file's scheduler, in a library that is always there."""
    optimizer = sgd(123.0)
    scheduler = run_code(schedule, "python", **tables)["make_scheduler"](optimizer)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def csv_rates(schedule: AnySchedule, steps: int, **tables: Any) -> list[float]:
    """Return the second column of the exported table."""
    lines = [line for line in render(document(schedule, **tables), "csv").splitlines() if line[0].isdigit()]
    return [float(line.split(",")[1]) for line in lines[:steps]]


def document_rates(form: str) -> Any:
    """Return a function that gives the rates of the schedule that a document is read back as."""

    def rates(schedule: AnySchedule, steps: int, **tables: Any) -> list[float]:
        parse = {"yaml": yaml.safe_load, "json": json.loads, "toml": tomllib.loads}[form]
        read = schedule_from_params(parse(render(document(schedule, **tables), form))["schedule"])
        return expected_rates(read)[:steps].tolist()

    return rates


READERS = {
    "python": python_rates,
    "csv": csv_rates,
    **{form: document_rates(form) for form in ("yaml", "json", "toml")},
    **RATES,
}


def expected_rates(schedule: AnySchedule) -> np.ndarray:
    """Return the rate of every step, or of every epoch where the schedule steps by the epoch."""
    if isinstance(schedule, PerEpoch):
        return np.array([schedule.epoch_lr(epoch, 1)[0] for epoch in range(schedule.total_steps)])
    return schedule.lr(np.arange(schedule.total_steps))
