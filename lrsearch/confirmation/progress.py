"""How far a confirmation or an audit is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ConfirmProgress:
    """What a progress display shows.

    Attributes:
        total: runs.
        done: runs that are stored.
        epochs: of one run, or its reports.
        epochs_in_training: those that runs have had which are not stored yet.
        unit: "epoch", or "report".
    """

    total: int
    done: int
    epochs: int
    epochs_in_training: int = 0
    unit: str = "epoch"
