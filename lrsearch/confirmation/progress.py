"""How far a confirmation or an audit is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ConfirmProgress:
    """What a progress display shows.

    Attributes:
        total: runs.
        done: runs that are stored.
        epochs: of one run.
        epochs_in_training: epochs that runs have had which are not stored yet.
    """

    total: int
    done: int
    epochs: int
    epochs_in_training: int = 0

    @property
    def fraction(self) -> float:
        """How much of the work is done, 0 to 1."""
        return (self.done + self.epochs_in_training / self.epochs) / self.total
