"""What a training function is given, as a protocol: functions of this room need no more of it than this."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

from numpy.typing import ArrayLike
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from lrsearch.schedules import Schedule


class RunSeeds(Protocol):
    """The seeds of a run, which all families of a replicate or block share."""

    @property
    def init(self) -> int:
        """Of the initial weights."""
        ...

    @property
    def order(self) -> int:
        """Of the order of the data."""
        ...

    @property
    def split(self) -> int:
        """Of the split of the data."""
        ...

    @property
    def evaluation(self) -> int:
        """Of random evaluation batches."""
        ...

    def order_of(self, epoch: int) -> int:
        """Return the seed of the order of one epoch."""
        ...


class TrainingRun(Protocol):
    """One run of a training function: its schedule, its seeds, and whom it reports to. See `lrsearch.Run`."""

    last_score: float

    @property
    def schedule(self) -> Schedule:
        """The rate of every update."""
        ...

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The values of what is searched beside the schedule."""
        ...

    @property
    def seeds(self) -> RunSeeds:
        """The seeds of the run."""
        ...

    @property
    def total_steps(self) -> int:
        """The optimizer's updates of the run."""
        ...

    @property
    def purpose(self) -> Literal["search", "confirm"]:
        """What the run is for."""
        ...

    @property
    def evaluation_set(self) -> Literal["validation", "test"]:
        """On which data the next report is measured."""
        ...

    @property
    def folder(self) -> Path:
        """A folder that no other run has."""
        ...

    def lr(self, step: int) -> float:
        """Return the rate of an update, counted from 0."""
        ...

    def scheduler(self, optimizer: Optimizer) -> LRScheduler:
        """Return a torch scheduler that is stepped after every update."""
        ...

    def epochs(self, **stateful: Any) -> Iterator[int]:
        """Yield the epochs that are still to be trained."""
        ...

    def steps(self, **stateful: Any) -> Iterator[int]:
        """Yield the updates that are still to be made."""
        ...

    def report_due(self, step: int) -> bool:
        """Return whether a report is due after this update."""
        ...

    def report(
        self, score: float, *, step: int | None = None, per_example: ArrayLike | None = None, **more: float
    ) -> None:
        """Report the metric."""
        ...

    def checkpoint(self, **stateful: Any) -> None:
        """Write down where the run stands, where it is time to."""
        ...
