"""Documents that the export tests share, and how their code is run."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lrsearch.errors import InputError
from lrsearch.export import render
from lrsearch.schedules import FAMILIES, AnySchedule, PerEpoch, make_schedule
from tests.strategies import middle_sample

STEPS_PER_EPOCH = 4
BASE, T, WARMUP = 0.3, 280, 24

# Numbers that suit all libraries, after warm-up from 0 where there is one; another family has the middle of its ranges.
EXAMPLES: dict[str, dict[str, Any]] = {
    "constant": {},
    "square_root": {"timescale": 40.5},
    "exponential": {"final_lr": 0.01},
    "step": {"step_size": 70, "gamma": 0.3},
    "multistep": {"milestones": [64, 174, 174], "gamma": 0.3},
    "linear": {"final_lr": 0.01},
    "polynomial": {"final_lr": 0.01, "power": 2.5},
    "cosine": {"final_lr": 0.01},
    "cosine_restarts": {"first_cycle_steps": 64},
    "one_cycle": {"pct_start": 0.3, "div_factor": 20.0, "final_div_factor": 100.0},
    "warmup_stable_decay": {"decay_steps": 100, "decay_shape": "1-sqrt", "final_lr": 0.01},
    "rex": {"final_lr": 0.01, "beta": 0.3},
}


def example(family: str, **changes: Any) -> AnySchedule:
    """Return the example of a family, with other numbers where they are given."""
    cls = FAMILIES[family]
    middle = cls.from_sample(middle_sample(family, total_steps=T, epochs=T // STEPS_PER_EPOCH), T)
    family_params = EXAMPLES.get(family, {name: value for name, value in middle.items() if name in cls.parameters()})
    warmup = {"warmup_steps": WARMUP} if cls.takes_warmup else {}
    return make_schedule(family, **{"total_steps": T, "base_lr": BASE, **warmup, **family_params, **changes})


def document(schedule: AnySchedule, **tables: Any) -> dict[str, Any]:
    """Return a document of a schedule."""
    by_epoch = isinstance(schedule, PerEpoch)
    epochs = schedule.total_steps if by_epoch else -(-schedule.total_steps // STEPS_PER_EPOCH)
    return {
        "schedule": schedule.params(),
        "training": {"epochs": epochs, "interval": "epoch" if by_epoch else "step"},
        **tables,
    }


def run_code(schedule: AnySchedule, form: str, **tables: Any) -> dict[str, Any]:
    """Return the names that the exported Python file of a schedule defines when it is run."""
    return run_text(render(document(schedule, **tables), form))


def run_text(text: str) -> dict[str, Any]:
    """Return the names that a Python file defines when it is run."""
    names: dict[str, Any] = {}
    exec(compile(text, "exported", "exec"), names)
    return names


def refusal(schedule: AnySchedule, form: str, **tables: Any) -> str:
    """Return why a format refuses a schedule, or "" if it does not."""
    try:
        render(document(schedule, **tables), form)
    except InputError as error:
        return str(error)
    return ""


def sgd(base_lr: float) -> torch.optim.SGD:
    """Return an optimizer of one parameter, whose steps change nothing."""
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=base_lr)


def assert_same_rates(expected: NDArray[np.float64], actual: list[float], base_lr: float) -> None:
    """Hold a curve against ours: 1e-9 relative, or 1e-12 of the peak where the rate comes to 0."""
    np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-12 * base_lr)


# A study of three families on tabular data, with a baseline by the epoch.
STUDY = {
    "name": "small",
    "workload": "tests.workload_examples:tabular",
    "training": {"epochs": 2},
    "optimizer": {"momentum": 0.5},
    "search": {"families": ("cosine", "step", "constant"), "trials": 6, "pruner": "none"},
    "baseline": [{"name": "flat", "family": "constant", "base_lr": 0.2, "interval": "epoch", "lag": True}],
}
