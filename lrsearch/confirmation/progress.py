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
