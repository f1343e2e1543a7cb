"""What a run has reported so far: where each report stands in the run, and what the last one must be."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from numbers import Real
from typing import Any

from numpy.typing import ArrayLike

from lrsearch.errors import InputError
from lrsearch.runs.messages import Report, examples, number
from lrsearch.runs.spec import RunSpec

NO_TEST_SET = (
    "it never asks for run.evaluation_set, so that confirm will take a score on the validation set for one on the test "
    "set: measure on run.evaluation_set, or set [run] test = false where there is no test set"
)
"""What is said of a run that never asks which examples its last report is measured on."""


class Reports:
    """The reports of a run in their order, without the scores of single examples.

    Args:
        spec: the run.
    """

    def __init__(self, spec: RunSpec) -> None:
        self._spec = spec
        self._made: list[Report] = []

    @property
    def made(self) -> tuple[Report, ...]:
        """All of them."""
        return tuple(self._made)

    @property
    def last(self) -> Report | None:
        """The last one; None before the first."""
        return self._made[-1] if self._made else None

    @property
    def score(self) -> float:
        """The score of the last one; NaN before the first."""
        return self._made[-1].score if self._made else math.nan

    @property
    def epoch(self) -> int:
        """How many of the run's equal parts were done at the last one."""
        return self._made[-1].epoch if self._made else 0

    @property
    def step(self) -> int:
        """How many updates were done at the last one."""
        return self._made[-1].step if self._made else 0

    def make(self, score: float, step: int, per_example: ArrayLike | None, more: Mapping[str, float]) -> Report:
        """Return the next report, which is not among them before it is added.

        Raises:
            InputError: for a score that is no number, or steps that do not rise.
        """
        spec = self._spec
        if isinstance(step, bool) or not isinstance(step, int) or step < self.step:
            raise InputError(
                f"the step of a report must be a whole number, not below that of the last one, {self.step}; "
                f"got {step!r}"
            )
        if step > spec.total_steps:
            raise InputError(f"the step of a report must be at most total_steps, {spec.total_steps}, got {step}")
        return Report(
            spec.epoch_of(step),
            step,
            scalar("score", score),
            spec.reads_test(step),
            {name: scalar(name, value) for name, value in more.items()},
            examples(per_example),
        )

    def waits(self, report: Report) -> bool:
        """Return whether the run waits for the search after a report that is not added yet: where that decides."""
        rungs = any(self.epoch < rung <= report.epoch for rung in self._spec.rungs)
        return rungs and report.epoch < self._spec.reports and math.isfinite(report.score)

    def add(self, report: Report) -> None:
        """Take a report as made."""
        self._made.append(replace(report, per_example=None))

    def resume(self, reports: Iterable[Report]) -> None:
        """Take the reports from before a checkpoint as made."""
        self._made = list(reports)

    def to_rows(self) -> list[tuple[Any, ...]]:
        """Return them as plain data, each of which are the arguments of a `Report`."""
        return [(one.epoch, one.step, one.score, one.test, one.more) for one in self._made]

    def require_end(self) -> None:
        """Raise InputError unless the last one is at the run's end."""
        if not self._made:
            raise InputError("it never reports: call run.report(score) after each part of the training")
        spec = self._spec
        if self.epoch < spec.reports:
            raise InputError(f"the last report must be at total_steps, {spec.total_steps}, got one at {self.step}")


def scalar(name: str, value: object) -> float:
    """Return a number as a float, such as one of NumPy or a tensor of one element.

    Raises:
        InputError: if it is none.
    """
    if isinstance(value, Real) and not isinstance(value, bool):
        return number(name, value)
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        return scalar(name, value.item())
    raise InputError(f"{name} must be a number, got {value!r}")
