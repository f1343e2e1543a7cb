"""What all exported Python files share: comments that cannot run, and constants."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pprint import pformat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrsearch.export.document import Configuration
from lrsearch.schedules import AnySchedule, Join, PerEpoch, ReduceOnPlateau, Schedule

_NOT_CONSTANTS = ("family", "interval", "parts")


def inner(schedule: AnySchedule) -> Schedule | ReduceOnPlateau:
    """Return the schedule itself, or the one that a PerEpoch steps by the epoch."""
    return schedule.schedule if isinstance(schedule, PerEpoch) else schedule


def comments(configuration: Configuration) -> list[str]:
    """Return scores and provenance, the optimizer and the training as comment lines; JSON keeps each on its line."""
    tables: dict[str, Mapping[str, Any]] = {
        "scores": configuration.scores,
        "provenance": configuration.provenance,
        "parameters": configuration.parameters,
    }
    if configuration.training is not None:
        tables |= {"optimizer": configuration.optimizer.model_dump(mode="json", exclude_unset=True)}
    for name, trained in (("training", configuration.training), ("run", configuration.run)):
        if trained is not None:
            tables[name] = trained.model_dump(mode="json", exclude_unset=True)
    return [
        f"# {table}.{json.dumps(key)[1:-1]}: {json.dumps(value)}"
        for table in tables
        for key, value in tables[table].items()
    ]


def constants(schedule: AnySchedule) -> Iterator[str]:
    """Yield an assignment for each parameter of the schedule (BASE_LR = 0.3), and for what its family works out."""
    given = {name.upper(): value for name, value in schedule.params().items() if name not in _NOT_CONSTANTS}
    shaped = inner(schedule)
    worked_out = shaped.shape.constants(shaped.span) if isinstance(shaped, Schedule) else {}
    for name, value in {**given, **worked_out}.items():
        yield f"{name} = {pformat(value, width=118, compact=True)}"


def part_functions(schedule: AnySchedule, argument: str, body: Callable[[Schedule], Iterator[str]]) -> Iterator[str]:
    """Yield a function for each part of a join, with the part's constants inside, and the list PARTS of them.

    Args:
        schedule: any; one that is no join has no parts.
        argument: of each function.
        body: yields the lines of a part that follow its constants.
    """
    shaped = inner(schedule)
    if not (isinstance(shaped, Schedule) and isinstance(shaped.shape, Join)):
        return
    names = [f"part_{number}" for number in range(1, len(shaped.shape.parts) + 1)]
    for name, part in zip(names, shaped.shape.parts, strict=True):
        yield f"def {name}({argument}):"
        yield from indented("\n".join([*constants(part), *body(part)]))
        yield from ("", "")
    yield from (f"PARTS = [{', '.join(names)}]", "", "")


def run_rates(schedule: Schedule | PerEpoch) -> NDArray[np.float64]:
    """Return the rate of every step of the run, or of every epoch where the schedule steps by the epoch."""
    if isinstance(schedule, Schedule):
        return schedule.lr(np.arange(schedule.total_steps))
    return np.concatenate([schedule.epoch_lr(epoch, 1) for epoch in range(schedule.total_steps)])


def indented(code: str) -> Iterator[str]:
    """Yield the lines of a function's body."""
    yield from (f"    {line}".rstrip() for line in code.splitlines())


def joined(lines: Iterable[str]) -> str:
    """Return the lines as the text of a file."""
    return "\n".join(lines) + "\n"
