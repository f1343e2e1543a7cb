"""A schedule that is a table of its rates, such as one that a script has already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any, Self, final

import numpy as np
from numpy.typing import ArrayLike

from lrsearch.errors import InputError
from lrsearch.schedules.family import FloatArray, Shape
from lrsearch.schedules.parameters import AT_MOST_BASE_LR, Boundaries, Parameter, Span
from lrsearch.schedules.schedule import Schedule

MOST_RATES = 100_000
"""The most rates of a table: it is stored with every run that uses it."""

_FEWER = "give step,rate pairs, each held until the next"


@final
@dataclass(frozen=True)
class Tabulated(Shape):
    """The rates themselves: one for each step, or with `boundaries` each held until the next begins.

    >>> Tabulated(rates=(0.5, 0.25), boundaries=(3,)).lr(np.array([0.0, 2.0, 3.0, 4.0]), Span(0.5, 0, 4)).tolist()
    [0.5, 0.5, 0.25, 0.25]
    """

    rates: Annotated[
        tuple[float, ...],
        Parameter("the rates, one for each step unless boundaries are given", "numbers", limit=AT_MOST_BASE_LR),
    ]
    boundaries: Boundaries | None = None

    family = "tabulated"
    formula = "the rates as given"
    source = "a table of one's own"
    takes_warmup = False
    rises = True
    python = "return RATES[bisect.bisect_right(BOUNDARIES, s)]"
    optax = """\
rates, boundaries = jnp.asarray(RATES), jnp.asarray(BOUNDARIES)
schedule = lambda count: rates[jnp.searchsorted(boundaries, count, side="right")]"""

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.rates) > MOST_RATES:
            raise InputError(f"rates must be at most {MOST_RATES}, got {len(self.rates)}: {_FEWER}")
        if self.boundaries is not None and len(self.boundaries) != len(self.rates) - 1:
            raise InputError(
                f"boundaries must be one fewer than rates, {len(self.rates) - 1}, got {len(self.boundaries)}"
            )

    @property
    def peak(self) -> float:
        """The largest rate; an InputError where none is above 0."""
        if (largest := max(self.rates)) == 0:
            raise InputError(f"rates must hold one above 0, got {len(self.rates)} times 0")
        return largest

    def check(self, span: Span) -> None:
        """Raise InputError where there are too many rates for the run, or too few."""
        super().check(span)
        if self.boundaries is None and len(self.rates) != span.total_steps:
            raise InputError(
                f"rates must be one for each of the {span.total_steps} steps of the run, got {len(self.rates)}; or "
                + _FEWER
            )

    def lr(self, s: FloatArray, span: Span) -> FloatArray:
        """Return the rate of each step; after the last step it stays."""
        boundaries = self._boundaries(span.total_steps)
        return np.asarray(self.rates)[np.searchsorted(np.asarray(boundaries), s, side="right")]

    def factor(self, s: FloatArray, span: Span) -> FloatArray:
        """Return the rates over the largest of them."""
        return self.lr(s, span) / span.base_lr

    def scaled(self, ratio: float, span: Span) -> Self:
        """Return it for another length: what held from a step on holds from the nearest one, and the later one wins."""
        if ratio == 1.0:
            return self
        starts = (0, *(round(step * ratio) for step in self._boundaries(round(span.total_steps / ratio))))
        kept = {start: rate for start, rate in zip(starts, self.rates, strict=True) if start < span.total_steps}
        return type(self)(tuple(kept.values()), tuple(kept)[1:])

    def constants(self, span: Span) -> dict[str, Any]:
        """Return where the rates change."""
        return {"BOUNDARIES": self._boundaries(span.total_steps)}

    def _boundaries(self, total_steps: int) -> Sequence[int]:
        return range(1, total_steps) if self.boundaries is None else list(self.boundaries)


def tabulated(rates: ArrayLike, *, total_steps: int | None = None) -> Schedule:
    """Return the schedule of a table of rates.

    Args:
        rates: one for each update, `[total_steps]`; or (step, rate) pairs `[pairs, 2]`, steps rising from 0, each rate
            held until the next.
        total_steps: the length of a run of pairs; of a list it is the list's own.

    Raises:
        InputError: for a rate that is negative or not finite, steps that do not rise from 0, or another length.

    >>> tabulated([0.1, 0.2, 0.05]).lr([0, 1, 2, 3]).tolist()
    [0.1, 0.2, 0.05, 0.05]
    >>> tabulated([(0, 0.1), (50, 0.01)], total_steps=100).lr([49, 50]).tolist()
    [0.1, 0.01]
    """
    try:
        table = np.asarray(rates, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"rates must be numbers, one for each update or (step, rate) pairs: {error}") from error
    if table.ndim == 1:
        shape = Tabulated(tuple(table.tolist()))
        length = len(shape.rates) if total_steps is None else total_steps
    elif table.ndim == 2 and table.shape[1] == 2 and len(table):
        if total_steps is None:
            raise InputError("total_steps must be given with (step, rate) pairs, got None")
        shape = tabulated_pairs(table[:, 0].tolist(), table[:, 1].tolist())
        length = total_steps
    else:
        raise InputError(f"rates must be of the shape [steps] or [pairs, 2], got {list(table.shape)}")
    return Schedule(shape.peak, 0, 0.0, length, shape)


def tabulated_pairs(steps: Sequence[float], rates: Sequence[float]) -> Tabulated:
    """Return the table of rates `[pairs]`, each held from its step on.

    Pairs for every step 0 .. n - 1, two at least, are one rate for each step.

    Raises:
        InputError: unless the steps are whole numbers that rise from 0, or as `Tabulated`.
    """
    if steps[0] != 0:
        raise InputError(f"steps must begin at 0, got {steps[0]:g}")
    for before, step in pairwise(steps):
        if not (step > before and step % 1 == 0):
            raise InputError(f"steps must be whole numbers that rise, got {step:g} after {before:g}")
    dense = len(steps) > 1 and steps[-1] == len(steps) - 1
    return Tabulated(tuple(rates), None if dense else tuple(int(step) for step in steps[1:]))
