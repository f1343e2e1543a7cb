"""A schedule that is made of several, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Self, final

import numpy as np

from lrsearch.errors import InputError
from lrsearch.schedules.family import FloatArray, Shape
from lrsearch.schedules.parameters import Boundaries, Parameter, Span, scaled_parameters
from lrsearch.schedules.schedule import Schedule

MOST_PARTS = 100


@final
@dataclass(frozen=True)
class Join(Shape):
    """Schedules one after the other: each counts its own steps from 0 where it begins.

    A part that is longer than its place is cut off; one that is shorter keeps its last rate.
    """

    parts: Annotated[tuple[Schedule, ...], Parameter("the schedules, in their order", "schedules")]
    boundaries: Boundaries

    family = "join"
    formula = "each part from its boundary on"
    source = "optax join_schedules; torch SequentialLR"
    takes_warmup = False
    rises = True
    python = """\
part = bisect.bisect_right(BOUNDARIES, s)
return PARTS[part](s - STARTS[part])"""
    optax = "schedule = optax.join_schedules([make() for make in PARTS], BOUNDARIES)"

    def __post_init__(self) -> None:
        super().__post_init__()
        for part in self.parts:
            if not isinstance(part, Schedule):
                raise InputError(f"parts must be schedules that are functions of the step, got {type(part).__name__}")
            if isinstance(part.shape, Join):
                raise InputError("parts must be no joins themselves: join all their parts in one")
            if part.shape.optimizer:
                raise InputError(f"parts must be trained by one optimizer, and {part.family} has its own: leave it out")
        if not 2 <= len(self.parts) <= MOST_PARTS:
            raise InputError(f"parts must be 2 to {MOST_PARTS} schedules, got {len(self.parts)}")
        if len(self.boundaries) != len(self.parts) - 1:
            raise InputError(
                f"boundaries must be one fewer than parts, {len(self.parts) - 1}, got {len(self.boundaries)}"
            )

    @property
    def peak(self) -> float:
        """The largest peak of the parts."""
        return max(part.base_lr for part in self.parts)

    def check(self, span: Span) -> None:
        """Raise InputError where a boundary lies behind the run, or base_lr is not the largest of the parts'."""
        super().check(span)
        if span.base_lr != self.peak:
            raise InputError(f"base_lr of a join must be the largest of its parts', {self.peak}, got {span.base_lr}")

    def lr(self, s: FloatArray, span: Span) -> FloatArray:  # noqa: ARG002  (one signature for all shapes)
        """Return the rate of each step, as its part has it."""
        index = np.searchsorted(self.boundaries, s, side="right")
        since = [np.maximum(s - start, 0).astype(np.int64) for start in self._starts]
        rates = np.stack([part.lr(steps) for part, steps in zip(self.parts, since, strict=True)])
        return np.asarray(rates[index, np.arange(len(s))])

    def factor(self, s: FloatArray, span: Span) -> FloatArray:
        """Return the rates over the largest peak."""
        return self.lr(s, span) / span.base_lr

    def scaled(self, ratio: float, span: Span) -> Self:
        """Return it for another length: boundaries and parts alike."""
        parts = tuple(part.scaled_to(max(round(part.total_steps * ratio), 1)) for part in self.parts)
        return replace(self, **{**scaled_parameters(self, ratio, span), "parts": parts})

    def constants(self, span: Span) -> dict[str, Any]:
        """Return where the parts begin."""
        del span
        return {"STARTS": list(self._starts)}

    @property
    def _starts(self) -> tuple[int, ...]:
        return (0, *self.boundaries)


def join(parts: Sequence[Schedule], boundaries: Sequence[int]) -> Schedule:
    """Return the schedule that follows each part until the next begins.

    Args:
        parts: two at least; each counts its own steps from 0. One that is longer than its place is cut off, and one
            that is shorter keeps its last rate.
        boundaries: the steps at which the second part and those after it begin, rising. The run ends with the last
            part.

    Raises:
        InputError: for a part that is no function of the step, or boundaries that do not rise or are not one fewer.

    >>> from lrsearch.schedules.build import make_schedule
    >>> rise = make_schedule("constant", total_steps=2, base_lr=0.4)
    >>> join([rise, make_schedule("linear", total_steps=4, base_lr=0.2)], [2]).lr([0, 1, 2, 4, 6]).tolist()
    [0.4, 0.4, 0.2, 0.1, 0.0]
    """
    shape = Join(parts, boundaries)  # type: ignore[arg-type]  # lists become tuples
    return Schedule(shape.peak, 0, 0.0, shape.boundaries[-1] + shape.parts[-1].total_steps, shape)
