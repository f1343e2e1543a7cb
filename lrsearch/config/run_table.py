"""`[run]` and `[parameters]` of a study file: a training of one's own, and what it searches beside the rate."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Discriminator, Field, Tag, field_validator, model_validator

from lrsearch.config.messages import shortened
from lrsearch.config.study_tables import Name, SettingRange, Table
from lrsearch.schedules import Choice, Range

MOST_STEPS = 10**9
_MOST_CHOICES = 50
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_ADDRESS = re.compile(r"[\w.]+:[\w.]+")


class RunConfig(Table):
    """`[run]`: a training function or a command of one's own, how long it trains, and what it reports.

    Attributes:
        training: the function, "package.module:function"; it takes a `lrsearch.Run`.
        command: in place of it, a program and its arguments; `lrsearch.current_run()` is its run.
        score_pattern: with a command that never reports: finds the score in the last lines that it writes, as the
            first group of a regular expression.
        metric: the name of what it reports.
        direction: whether more of it is better or less.
        unit: of the metric; by default points where it is an accuracy, which is a fraction then.
        worst_value: the metric of a model that has learned nothing, None where it is not known.
        failed_at: a confirmed run that scores worse has failed; None for a limit derived from `worst_value`.
        total_steps: the optimizer's updates of a run.
        reports: equal parts of a run, after each of which the metric is reported; they stand for epochs. 1 with
            `score_pattern`, else 10 by default.
        epochs: what `run.epochs` yields; `reports` of them if None.
        timeout: seconds, or text such as "2h", after which a run is ended; None for no limit.
        test: whether there is a test set beside the validation set.
        in_process: whether the function, which has no global state, runs inside lrsearch's own process.
        threads: processor threads of a run.
        gpus: GPUs of a run, each run its own; 0 leaves every run what is visible already.
    """

    training: str | None = None
    command: tuple[str, ...] | None = None
    score_pattern: str | None = None
    metric: Name
    direction: Literal["maximize", "minimize"]
    unit: Name | None = None
    worst_value: float | None = None
    failed_at: float | None = None
    total_steps: int = Field(ge=1, le=MOST_STEPS)
    reports: int = Field(10, ge=1, le=10_000)
    epochs: int | None = Field(None, ge=1, le=MOST_STEPS)
    timeout: float | None = None
    test: bool = True
    in_process: bool = False
    threads: int = Field(1, ge=1, le=1024)
    gpus: int = Field(0, ge=0, le=1024)

    @property
    def name(self) -> str:
        """What is run, as people read it: the function's address or the command."""
        return self.training or shlex.join(self.command or ())

    @model_validator(mode="before")
    @classmethod
    def _one_score(cls, data: Any) -> Any:
        """Take a score that is found in what a command has written as the only one."""
        if isinstance(data, Mapping) and data.get("score_pattern") is not None:
            return {"reports": 1, **data}
        return data

    @field_validator("command")
    @classmethod
    def _is_a_program(cls, command: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if command is not None and (not command or not command[0].strip()):
            raise ValueError(
                f'must be a program and its arguments, such as ["python", "train.py"], got {list(command)}'
            )
        return command

    @field_validator("score_pattern")
    @classmethod
    def _has_a_group(cls, pattern: str | None) -> str | None:
        try:
            groups = 1 if pattern is None else re.compile(pattern).groups
        except re.error as error:
            raise ValueError(f"must be a regular expression, got {pattern!r}: {error}") from error
        if not groups:
            raise ValueError(f'must have a group that is the score, such as "loss: ([0-9.]+)", got {pattern!r}')
        return pattern

    @field_validator("training")
    @classmethod
    def _is_an_address(cls, training: str | None) -> str | None:
        if training is not None and not _ADDRESS.fullmatch(training):
            raise ValueError(f"must be written package.module:function, got {training!r}")
        return training

    @field_validator("timeout", mode="before")
    @classmethod
    def _in_seconds(cls, timeout: Any) -> Any:
        if isinstance(timeout, str):
            written = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([smhd])", timeout.strip())
            if written is None:
                raise ValueError(f'must be a number of seconds or text such as "90m" or "2h", got {timeout!r}')
            return float(written[1]) * _SECONDS[written[2]]
        return timeout

    @model_validator(mode="after")
    def _one_way(self) -> RunConfig:
        if (self.training is None) == (self.command is None):
            given = "neither" if self.training is None else "both"
            raise ValueError(f"[run] takes either training or command, got {given}")
        if self.command is None and self.score_pattern is not None:
            raise ValueError("score_pattern is for a command: a function reports by run.report(score)")
        if self.command is not None and self.in_process:
            raise ValueError("in_process is for a function: a command is a process of its own")
        if self.score_pattern is not None and self.reports > 1:
            raise ValueError(f"reports must be 1 with score_pattern, which gives one score, got {self.reports}")
        if self.in_process and self.gpus:
            raise ValueError("gpus must be 0 with in_process, as one process has one list of GPUs")
        return self

    @model_validator(mode="after")
    def _fits(self) -> RunConfig:
        if self.timeout is not None and self.timeout <= 0:
            raise ValueError(f"timeout must be above 0 seconds, got {self.timeout:g}")
        for name in ("reports", "epochs"):
            if (getattr(self, name) or 1) > self.total_steps:
                raise ValueError(f"{name} must be at most total_steps, {self.total_steps}, got {getattr(self, name)}")
        return self


class ParameterRange(SettingRange):
    """A number of `[parameters]`: from `low` to `high`, a whole one where both bounds are whole numbers."""

    low: int | float
    high: int | float

    @property
    def integer(self) -> bool:
        """Whether it takes whole numbers alone."""
        return isinstance(self.low, int) and isinstance(self.high, int)


def _require_choices(choices: Any) -> Any:
    """Refuse what is no choice, and choices that are equal: the storage could not tell which one was taken."""
    for choice in choices:
        if not isinstance(choice, int | float | str) or (isinstance(choice, float) and not math.isfinite(choice)):
            raise ValueError(f"choices must be finite numbers, text, true or false, got {shortened(choice)}")
    if not 1 <= len(choices) <= _MOST_CHOICES:
        raise ValueError(f"there must be 1 to {_MOST_CHOICES} choices, got {len(choices)}")
    if len(set(choices)) < len(choices):
        raise ValueError(f"choices must differ, and 1, 1.0 and true are equal, got {shortened(list(choices))}")
    return choices


def _form(value: Any) -> str | None:
    """Return whether a value is a range or choices, None for neither; errors leave out what is in brackets."""
    if isinstance(value, Mapping | ParameterRange):
        return "[range]"
    return "[choices]" if isinstance(value, list | tuple) else None


_Choices = Annotated[tuple[bool | int | float | str, ...], BeforeValidator(_require_choices)]
_Parameter = Annotated[
    Annotated[ParameterRange, Tag("[range]")] | Annotated[_Choices, Tag("[choices]")],
    Discriminator(
        _form,
        custom_error_type="form",
        custom_error_message="must be a range such as { low = 0.1, high = 0.3 }, or a list of choices",
    ),
]
Parameters: TypeAlias = dict[Name, _Parameter]
"""`[parameters]`: by name, a range or a list of choices."""


def bounds_of(parameter: ParameterRange | tuple[Any, ...]) -> Range | Choice:
    """Return the bounds of one of `[parameters]`, as those of a schedule's parameters are."""
    if isinstance(parameter, ParameterRange):
        return Range(parameter.low, parameter.high, parameter.log, parameter.integer)
    return Choice(parameter)


RUN_WITHOUT_EFFECT = ("run.timeout", "run.in_process", "run.unit", "run.gpus")
"""By dotted key, what does not change what a run gives."""

OF_WORKLOADS = ("workload", "data", "training", "optimizer")
"""What of a study file is for what lrsearch trains itself."""
