"""The rates of a schedule over a whole run, thinned for drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrsearch.errors import InputError
from lrsearch.schedules import AnySchedule, PerEpoch
from lrsearch.schedules.drawing import thinned

_SIGNIFICANT_DIGITS = 4
_MOST_STEPS = 20_000_000  # all rates are computed for a picture, and more would fill the memory


@dataclass(frozen=True, eq=False)
class RateCurve:
    """Rates `[points]` over `epochs` `[points]`, which count from 0 at the first update.

    `at_end` `[epochs]` holds the rate that the last update of each epoch used.
    """

    epochs: NDArray[np.float64]
    rates: NDArray[np.float64]
    at_end: NDArray[np.float64]

    @property
    def drawn_at(self) -> list[float]:
        """The epochs as a picture takes them."""
        return list(map(float, self.epochs.round(4)))

    @property
    def drawn(self) -> list[float | None]:
        """The rates as a picture takes them; one of exactly 0 has no place on a logarithmic axis."""
        return [rate if rate > 0 else None for rate in self.rates.tolist()]


def rate_curve(schedule: AnySchedule, *, epochs: int, select_loss: Sequence[float] = ()) -> RateCurve:
    """Return the rates of a run of `epochs` epochs, at most 240 of them; jumps keep both their sides.

    Args:
        schedule: its total_steps say how many steps an epoch has, or count epochs if it is stepped once per epoch.
        epochs: how many.
        select_loss: `[epochs]`, for a family that reads it.
    """
    if schedule.total_steps > _MOST_STEPS:
        raise InputError(f"schedules of more than {_MOST_STEPS} steps are not drawn, got {schedule.total_steps}")
    steps_per_epoch = 1 if isinstance(schedule, PerEpoch) else max(1, round(schedule.total_steps / epochs))
    losses = list(select_loss) + [np.inf] * (epochs - len(select_loss))
    rates = np.concatenate([schedule.epoch_lr(epoch, steps_per_epoch, losses[:epoch]) for epoch in range(epochs)])
    if isinstance(schedule, PerEpoch):
        # A rate that stays for an epoch is drawn as a step.
        at = np.repeat(np.arange(epochs + 1.0), 2)[1:-1]
        return RateCurve(at, _rounded(np.repeat(rates, 2)), rates)
    kept, at_end = thinned(rates), rates[steps_per_epoch - 1 :: steps_per_epoch]
    return RateCurve(kept / steps_per_epoch, _rounded(rates[kept]), at_end)


def _rounded(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([float(f"{value:.{_SIGNIFICANT_DIGITS}g}") for value in values])
