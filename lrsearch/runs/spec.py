"""What one run is told: everything that it needs to train, as plain data."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np

from lrsearch.runs.checkpoints.pace import PAUSE_SECONDS

Purpose = Literal["search", "confirm"]
_WITHOUT_EFFECT = ("folder", "path", "checkpoint_seconds", "grace_seconds", "devices", "rungs")


def _derived(*entropy: int) -> int:
    return int(np.random.SeedSequence(entropy).generate_state(1)[0])


@dataclass(frozen=True)
class RunSeeds:
    """The seeds of a run: one function of the study's seed and the replicate or block, the same for every family.

    Attributes:
        init: of the initial weights.
        order: of the order of the data.
        split: of the split of the data.
    """

    init: int
    order: int
    split: int

    @property
    def evaluation(self) -> int:
        """Of random evaluation batches, equal for all runs of a split."""
        return _derived(self.split, zlib.crc32(b"evaluation"))

    def order_of(self, epoch: int) -> int:
        """Return the seed of the order of the data in one epoch, counted from 0."""
        return _derived(self.order, epoch)


@dataclass(frozen=True)
class RunSpec:
    """One run.

    Attributes:
        training: the function, "package.module:function", or the command as people read it.
        schedule: its parameters, as `schedule_from_params` takes them.
        parameters: the values of what is searched beside the schedule.
        seeds: of the run.
        total_steps: the optimizer's updates.
        reports: equal parts of the run, after each of which the metric is reported.
        epochs: what `Run.epochs` yields in all.
        folder: the run's own; it is there.
        purpose: "search" or "confirm".
        test: whether there is a test set.
        threads: processor threads.
        path: where modules are looked for.
        checkpoint_seconds: from one checkpoint to the next, at least.
        command: the program and its arguments, where the run is no function.
        score_pattern: finds the score in what a command writes, where it never reports.
        grace_seconds: from asking the run to end to killing it.
        devices: the run's CUDA_VISIBLE_DEVICES; what is set already if None.
        rungs: the reports, counted from 1, after which the search decides whether the run goes on; it waits there
            alone.
    """

    training: str
    schedule: Mapping[str, Any]
    parameters: Mapping[str, Any]
    seeds: RunSeeds
    total_steps: int
    reports: int
    epochs: int
    folder: str = ""
    purpose: Purpose = "search"
    test: bool = True
    threads: int = 1
    path: tuple[str, ...] = field(default=(), repr=False)
    checkpoint_seconds: float = PAUSE_SECONDS
    command: tuple[str, ...] = ()
    score_pattern: str | None = None
    grace_seconds: float = 30.0
    devices: str | None = None
    rungs: tuple[int, ...] = ()

    @property
    def init_seed(self) -> int:
        """The seed of the initial weights, as a lane has it."""
        return self.seeds.init

    @property
    def order_seed(self) -> int:
        """The seed of the order of the data, as a lane has it."""
        return self.seeds.order

    @property
    def identity(self) -> str:
        """What tells the run from every other, as text: all that its result depends on."""
        told = {name: value for name, value in asdict(self).items() if name not in _WITHOUT_EFFECT}
        return json.dumps(told, sort_keys=True, default=str)

    def epoch_of(self, step: int) -> int:
        """Return how many of the run's equal parts are done after `step` updates."""
        return step * self.reports // self.total_steps

    def reads_test(self, step: int) -> bool:
        """Return whether a report after `step` updates is measured on the test set: the last of a confirming run is."""
        return self.test and self.purpose == "confirm" and step >= self.total_steps

    def to_json(self) -> dict[str, Any]:
        """Return the run as plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> RunSpec:
        """Return the run that `to_json` gave."""
        tuples = {name: tuple(data[name]) for name in ("path", "command", "rungs")}
        return cls(**{**data, **tuples, "seeds": RunSeeds(**data["seeds"])})
