"""The lines of the reports file: what a command says to the search."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import Any

from lrsearch.errors import InputError
from lrsearch.records import finite
from lrsearch.runs.messages import Message, Refused, Report, Resumed, Warned, examples, number, one_line
from lrsearch.runs.spec import RunSpec

_STEP, _SCORE, _PER_EXAMPLE, _EVENT = "step", "score", "per_example", "event"


@dataclass(frozen=True)
class Finished:
    """A script has come to its end: a note for people, and what is wrong with the run, each empty where all is usual.

    It counts only where the exit code is 0 as well.
    """

    note: str = ""
    problem: str = ""


def line_of(message: Message | Finished) -> str:
    """Return a message as a line of the reports file."""
    if isinstance(message, Report):
        examples = {} if message.per_example is None else {_PER_EXAMPLE: message.per_example.tolist()}
        return json.dumps(finite({_STEP: message.step, _SCORE: message.score, **message.more, **examples}))
    if isinstance(message, Resumed):
        before = [[report.epoch, report.step, report.score, report.test, report.more] for report in message.reports]
        return json.dumps({_EVENT: "resumed", "reports": before, "seconds": message.seconds})
    if isinstance(message, Warned):
        return json.dumps({_EVENT: "warning", "text": message.text})
    if isinstance(message, Finished):
        return json.dumps({_EVENT: "finished", **asdict(message)})
    assert isinstance(message, Refused)
    return json.dumps({_EVENT: "refused", "reason": message.reason})


def read_line(line: str, spec: RunSpec, *, after: int) -> Message | Finished:
    """Return what a line of the reports file says.

    Args:
        line: the line.
        spec: the run.
        after: the step of the report before it.

    Raises:
        InputError: if it says nothing that is understood.
    """
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise InputError(
            f'each line of the reports file must be a JSON object such as {{"step": 10, "score": 0.5}}, got {line!r}'
        )
    if _EVENT in said:
        return _event(said)
    if _SCORE not in said:
        raise InputError(f"a report must hold a score, got {line!r}")
    step, score, per_example = said.pop(_STEP, None), said.pop(_SCORE), said.pop(_PER_EXAMPLE, None)
    if isinstance(step, bool) or not isinstance(step, int) or not after <= step <= spec.total_steps:
        raise InputError(
            f"the step of a report must be a whole number from that of the last one, {after}, to total_steps, "
            f"{spec.total_steps}, got {step!r}"
        )
    return Report(
        spec.epoch_of(step),
        step,
        json_number(_SCORE, score),
        test=spec.reads_test(step),
        more={name: json_number(name, value) for name, value in said.items()},
        per_example=examples(per_example),
    )


def _event(said: dict[str, Any]) -> Message | Finished:
    try:
        match said[_EVENT]:
            case "resumed":
                [first, *others] = (_reported(*report) for report in said["reports"])
                return Resumed((first, *others), json_number("seconds", said["seconds"]))
            case "warning":
                return Warned(said["text"])
            case "finished":
                return Finished(one_line(said["note"]), one_line(said["problem"]))
            case "refused":
                return Refused(said["reason"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"the event {said[_EVENT]} lacks a part: {type(error).__name__}: {error}") from error
    raise InputError(f"the event of a line of the reports file must be warning or refused, got {said[_EVENT]!r}")


def _reported(epoch: int, step: int, score: float, test: bool, more: dict[str, float]) -> Report:
    """Return a report from before a checkpoint."""
    if not (isinstance(epoch, int) and isinstance(step, int)):
        raise TypeError("epoch and step must be whole numbers")
    numbers = {name: json_number(name, value) for name, value in more.items()}
    return Report(epoch, step, json_number(_SCORE, score), bool(test), numbers)


def json_number(name: str, value: Any) -> float:
    """Return a number of JSON, where null stands for one that is not finite."""
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{name} must be a number, or null where it is not finite, got {value!r}")
    return number(name, value)
