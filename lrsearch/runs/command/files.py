"""The files that a command and lrsearch share; docs/own_commands.md describes every field of them."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lrsearch.errors import InputError
from lrsearch.records import finite
from lrsearch.runs.messages import Answer, Message, Refused, Report, Resumed, Warned, examples, number, one_line
from lrsearch.runs.spec import RunSeeds, RunSpec
from lrsearch.schedules import Schedule, schedule_from_params

VARIABLE = "LRSEARCH_RUN"
VERSION = 1
MOST_RATES = 1_000_000
"""Updates of a run up to which its rates are written down."""

_COPIED = ("parameters", "total_steps", "reports", "epochs", "purpose", "test", "checkpoint_seconds")
_STEP, _SCORE, _PER_EXAMPLE, _EVENT = "step", "score", "per_example", "event"


@dataclass(frozen=True)
class Finished:
    """A script has come to its end: a note for people, and what is wrong with the run, each empty where all is usual.

    It counts only where the exit code is 0 as well.
    """

    note: str = ""
    problem: str = ""


@dataclass(frozen=True)
class RunFiles:
    """Where the files of a run lie.

    Attributes:
        folder: of the run.
    """

    folder: Path

    @property
    def run(self) -> Path:
        """What the run is told: the file that LRSEARCH_RUN names."""
        return self.folder / "run.json"

    @property
    def rates(self) -> Path:
        """The rate of every update, one a line."""
        return self.folder / "rates.txt"

    @property
    def reports(self) -> Path:
        """To which the run appends its reports, one JSON object a line."""
        return self.folder / "reports.jsonl"

    @property
    def answer(self) -> Path:
        """What the search says to the last report."""
        return self.folder / "answer.json"

    @property
    def score(self) -> Path:
        """The score of a script that never reports."""
        return self.folder / "score.json"

    @property
    def ranks(self) -> Path:
        """Where the ranks of a distributed run meet."""
        return self.folder / "ranks"

    def write(self, spec: RunSpec) -> None:
        """Write down what the run is told, and remove what an earlier attempt has said."""
        for old in (self.answer, self.score):
            old.unlink(missing_ok=True)
        self.reports.write_bytes(b"")
        self.ranks.mkdir(exist_ok=True)
        for old in self.ranks.iterdir():
            old.unlink(missing_ok=True)
        (self.folder / "files").mkdir(exist_ok=True)
        has_rates = spec.total_steps <= MOST_RATES
        if has_rates:
            schedule = schedule_from_params(spec.schedule)
            assert isinstance(schedule, Schedule)
            rates = schedule.lr(np.arange(spec.total_steps)).tolist()
            self.rates.write_text("".join(f"{rate!r}\n" for rate in rates), encoding="ascii")
        content = {
            "version": VERSION,
            "name": spec.training,
            "schedule": dict(spec.schedule),
            **{name: getattr(spec, name) for name in _COPIED},
            "seeds": {**asdict(spec.seeds), "evaluation": spec.seeds.evaluation},
            "folder": str(self.folder / "files"),
            "rates_file": str(self.rates) if has_rates else None,
            "reports_file": str(self.reports),
            "answer_file": str(self.answer),
            "score_file": str(self.score),
        }
        _replace(self.run, json.dumps(content, indent=2, default=str))

    def read(self) -> RunSpec:
        """Return what the run is told.

        Raises:
            InputError: if the file cannot be read, or is of another version.
        """
        try:
            content = json.loads(self.run.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"{VARIABLE} names {self.run}, which cannot be read: {error}") from error
        if content.get("version") != VERSION:
            raise InputError(
                f"{self.run} must be of version {VERSION}, got {content.get('version')!r}: install the same version of "
                "lrsearch for the script as for the search"
            )
        seeds = content["seeds"]
        return RunSpec(
            training=content["name"],
            schedule=content["schedule"],
            seeds=RunSeeds(seeds["init"], seeds["order"], seeds["split"]),
            folder=str(self.folder),
            **{name: content[name] for name in _COPIED},
        )

    def write_answer(self, answer: Answer) -> None:
        """Tell the run what the search says."""
        _replace(self.answer, json.dumps(asdict(answer)))

    def read_answer(self) -> Answer | None:
        """Return what the search said last; None before its first answer."""
        try:
            return Answer(**json.loads(self.answer.read_text(encoding="ascii")))
        except FileNotFoundError:
            return None

    def append(self, message: Message | Finished) -> None:
        """Say something to the search, in one line."""
        with self.reports.open("a", encoding="utf-8") as file:
            file.write(_line(message) + "\n")


def _replace(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def _line(message: Message | Finished) -> str:
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
        step * spec.reports // spec.total_steps,
        step,
        _number(_SCORE, score),
        test=spec.test and spec.purpose == "confirm" and step == spec.total_steps,
        more={name: _number(name, value) for name, value in said.items()},
        per_example=examples(per_example),
    )


def _event(said: dict[str, Any]) -> Message | Finished:
    try:
        match said[_EVENT]:
            case "resumed":
                [first, *others] = (_reported(*report) for report in said["reports"])
                return Resumed((first, *others), _number("seconds", said["seconds"]))
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
    return Report(
        epoch, step, _number(_SCORE, score), bool(test), {name: _number(name, value) for name, value in more.items()}
    )


def _number(name: str, value: Any) -> float:
    """Return a number of JSON, where null stands for one that is not finite."""
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{name} must be a number, or null where it is not finite, got {value!r}")
    return number(name, value)


def read_score(path: Path) -> float:
    """Return the score that a script which never reports has written, as in {"score": 0.5}.

    Raises:
        InputError: if it is not there.
    """
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        return _number(_SCORE, said[_SCORE])
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise InputError(f'{path.name} must hold a score, as in {{"score": 0.5}}: {error}') from error
