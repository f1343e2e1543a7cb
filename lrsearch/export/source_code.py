"""What all exported Python files share: comments that cannot run, constants, and the shape's numbers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from lrsearch.export.document import Configuration
from lrsearch.schedules import AnySchedule, PerEpoch, ReduceOnPlateau, Schedule
from lrsearch.schedules.shapes import CosineRestarts, OneCycle, Step

_NOT_CONSTANTS = ("family", "interval")


def inner(schedule: AnySchedule) -> Schedule | ReduceOnPlateau:
    """Return the schedule itself, or the one that a PerEpoch steps by the epoch."""
    return schedule.schedule if isinstance(schedule, PerEpoch) else schedule


def comments(configuration: Configuration) -> list[str]:
    """Return scores and provenance, the optimizer and the training as comment lines; JSON keeps each on its line."""
    tables: Mapping[str, Mapping[str, Any]] = {
        "scores": configuration.scores,
        "provenance": configuration.provenance,
        "optimizer": configuration.optimizer.model_dump(mode="json", exclude_unset=True),
        "training": configuration.training.model_dump(mode="json", exclude_unset=True),
    }
    return [
        f"# {table}.{json.dumps(key)[1:-1]}: {json.dumps(value)}"
        for table in tables
        for key, value in tables[table].items()
    ]


def constants(configuration: Configuration) -> Iterator[str]:
    """Yield an assignment for each parameter of the schedule: BASE_LR = 0.3 and so on."""
    for name, value in configuration.schedule.items():
        if name not in _NOT_CONSTANTS and value is not None:
            yield f"{name.upper()} = {value!r}"


def cycle_starts(shape: CosineRestarts, span_steps: int) -> list[int]:
    """Return the steps after warm-up at which cycles begin, and where the last one ends (it may lie after training)."""
    edges, length = [0.0], float(shape.first_cycle_steps)
    while round(edges[-1]) < span_steps:
        edges.append(edges[-1] + length)
        length *= shape.cycle_mult
    return sorted({int(edge) for edge in np.rint(edges)})


def drops(shape: Step, span_steps: int) -> list[int]:
    """Return the steps after warm-up, up to `span_steps`, from which on the rate has dropped once more."""
    count = int(np.ceil((span_steps + 0.5) / shape.step_size)) - 1
    return [int(np.floor(drop * shape.step_size - 0.5)) + 1 for drop in range(1, count + 1)]


def peak_step(shape: OneCycle, span_steps: int) -> int:
    """Return the step of one_cycle's highest rate."""
    return round(shape.pct_start * span_steps)


def joined(lines: Iterable[str]) -> str:
    """Return the lines as the text of a file."""
    return "\n".join(lines) + "\n"
