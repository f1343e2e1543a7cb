"""When a checkpoint is due: after a pause, and later where writing them takes long."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from lrsearch.errors import InputError
from lrsearch.text import as_number

PAUSE_VARIABLE = "LRSEARCH_CHECKPOINT_SECONDS"
PAUSE_SECONDS = 10.0
_MOST_SHARE = 0.01
"""Of the time, at most, that goes into writing checkpoints: models with large ones have them less often."""


def pause_seconds() -> float:
    """Return the pause between two checkpoints that LRSEARCH_CHECKPOINT_SECONDS names, or the usual one.

    Raises:
        InputError: if it is no number of seconds.
    """
    given = os.environ.get(PAUSE_VARIABLE) or str(PAUSE_SECONDS)
    try:
        seconds = as_number(given)
    except ValueError:
        seconds = -1.0
    if not seconds >= 0:
        raise InputError(f"{PAUSE_VARIABLE} must be a number of seconds, 0 or more, got {given!r}")
    return seconds


@dataclass(eq=False)
class Pace:
    """Says when the next checkpoint is due.

    Args:
        pause_seconds: from one to the next, at least; 0 makes them always due.
        clock: seconds, from any zero.
        cost_seconds: what the first one is expected to take.
    """

    pause_seconds: float = PAUSE_SECONDS
    clock: Callable[[], float] = time.monotonic
    cost_seconds: float = 0.0
    _begun: float = field(init=False)

    def __post_init__(self) -> None:
        self._begun = self.clock()

    def due(self) -> bool:
        """Return whether it is time for one; what it takes is then to be told by `spent`."""
        now = self.clock()
        affordable = self.cost_seconds / _MOST_SHARE if self.pause_seconds else 0.0
        if now - self._begun < max(self.pause_seconds, affordable):
            return False
        self._begun, self.cost_seconds = now, 0.0
        return True

    def spent(self, seconds: float) -> None:
        """Take in what a part of the last checkpoint has taken."""
        self.cost_seconds += seconds
