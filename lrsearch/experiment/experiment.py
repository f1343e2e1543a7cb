"""An experiment: a study file with what it trains loaded and its search space resolved."""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from lrsearch.config import StudyConfig
from lrsearch.config.baseline import BaselineConfig
from lrsearch.errors import InputError
from lrsearch.experiment.space import Space
from lrsearch.metric import Metric
from lrsearch.runs.spec import Purpose
from lrsearch.schedules import AnySchedule, Schedule, make_schedule
from lrsearch.training.device import device_label
from lrsearch.training.lane import AnyLane, LaneStack
from lrsearch.training.model import Way


@dataclass(frozen=True)
class Seeds:
    """The seeds of one replicate or block, shared by its families and by nothing else."""

    split: int
    init: int
    order: int
    sampler: int

    @classmethod
    def of(cls, seed: int, kind: str, unit: int) -> Seeds:
        """Derive the seeds of a unit (replicate 3 of a search, block 7 of a confirmation) from the study's seed.

        Units of different number or kind share none.
        """
        words = np.random.SeedSequence([seed, zlib.crc32(kind.encode()), unit]).generate_state(4)
        return cls(*(int(word) for word in words))


class WorkerPayload(Protocol):
    """What another process is given of an experiment."""

    def experiment(self) -> Experiment:
        """Return the experiment in that process.

        Raises:
            InputError: if something that it needs is unavailable there, or its data are others.
        """
        ...


@dataclass(frozen=True, eq=False)
class Experiment(ABC):
    """Everything that a trial needs besides its schedule and its seeds: of a workload, or of runs.

    `prepare_experiment` makes it from a study file.

    Attributes:
        config: the study file.
        device: "cpu" or "cuda".
        stored_space, stored_metric: of a study that was begun earlier; None for those of the study file.
        way: "stacked" where the lanes of a module train side by side, "plain" where one at a time.
    """

    config: StudyConfig
    device: str
    stored_space: Space | None = field(default=None, kw_only=True)
    stored_metric: Metric | None = field(default=None, kw_only=True)
    way: Way = field(default="plain", kw_only=True)

    @property
    @abstractmethod
    def name(self) -> str:
        """What is trained, as errors call it."""

    @property
    @abstractmethod
    def fresh_metric(self) -> Metric:
        """The metric of a new study."""

    @property
    def metric(self) -> Metric:
        """The metric, and the unit in which people read it; a study that was begun earlier keeps its own."""
        return self.stored_metric or self.fresh_metric

    @property
    def epoch_word(self) -> str:
        """What people call the equal parts of a trial, after each of which it is judged: "epoch", or "report"."""
        return "epoch" if self.config.run is None else "report"

    @property
    def cautions(self) -> tuple[str, ...]:
        """What to know of the plan before anything is trained."""
        return ()

    @property
    @abstractmethod
    def worst_value(self) -> float:
        """The value of a trial that has diverged: that of a model that has learned nothing, or else infinite."""

    @property
    @abstractmethod
    def failed_at(self) -> float | None:
        """The metric from which on a confirmed run has failed; None where it is derived from `worst_value`."""

    @property
    @abstractmethod
    def data_fingerprint(self) -> str:
        """The data set's fingerprint; empty where it is not known."""

    @property
    @abstractmethod
    def source_digest(self) -> str:
        """A digest of the source of what is trained; empty where it is not known."""

    @property
    @abstractmethod
    def facts(self) -> dict[str, Any]:
        """What a study's trials have in common besides its study file: trials that differ in it are not comparable."""

    @property
    def stored_facts(self) -> dict[str, Any]:
        """The attributes of each of its studies by which one that trains something else is told from it."""
        return {"workload_facts": self.facts, "workload_source": self.source_digest}

    @property
    @abstractmethod
    def kernels(self) -> str:
        """The name of what computes a step, such as "numba 4 float32x16"; empty where it is not known."""

    @property
    @abstractmethod
    def total_steps(self) -> int:
        """Updates of one trial."""

    @property
    @abstractmethod
    def steps_per_epoch(self) -> int:
        """Updates in one epoch, whole ones."""

    @property
    def has_test_set(self) -> bool:
        """Whether there is a test set beside the validation set."""
        return self.config.run is None or self.config.run.test

    @property
    def epochs(self) -> int:
        """Epochs of one trial, or the reports of a run."""
        return self.config.epochs

    @property
    def device_label(self) -> str:
        """What a record says of the device; empty where it is not known."""
        return device_label(self.device)

    @cached_property
    def space(self) -> Space:
        """The search space, in optimizer updates, or in epochs where the study says `interval = "epoch"`.

        A study that was begun earlier keeps the space that it stores, though default ranges have changed since.
        """
        return self.fresh_space if self.stored_space is None else self.stored_space

    @property
    @abstractmethod
    def fresh_space(self) -> Space:
        """The search space of a new study."""

    @cached_property
    def fixed_schedules(self) -> dict[str, AnySchedule]:
        """The study file's `[[baseline]]` schedules by name, for a run of this length.

        Raises:
            InputError: if the numbers of one do not fit into the run.
        """
        schedules: dict[str, AnySchedule] = {}
        for baseline in self.config.baseline:
            try:
                schedules[baseline.name] = self._fixed_schedule(baseline)
            except InputError as error:
                raise InputError(f"baseline {baseline.name!r}: {error}") from error
        return schedules

    def continuing(self, metric: Metric, space: Mapping[str, Any] | None = None, way: Way | None = None) -> Experiment:
        """Return the experiment with the metric of a study, and in the space and the way that it stores, if any."""
        stored = None if space is None else Space.from_json(space, self.config.searched)
        return replace(self, stored_metric=metric, stored_space=stored, way=way or self.fastest_way())

    def fastest_way(self, lanes: int | None = None) -> Way:  # noqa: ARG002  (runs are processes of their own)
        """Return the faster way to train a number of lanes here; with None side by side wherever that is possible."""
        return "plain"

    def schedule(self, params: Mapping[str, Any]) -> AnySchedule:
        """Return the schedule that a trial's parameters stand for."""
        return self.space.schedule(params)

    @abstractmethod
    def _fixed_schedule(self, baseline: BaselineConfig) -> AnySchedule:
        """Return the schedule of a `[[baseline]]`."""

    def constant_schedule(self, rate: float) -> Schedule:
        """Return a constant rate for a whole trial."""
        made = make_schedule("constant", total_steps=self.total_steps, base_lr=rate)
        assert isinstance(made, Schedule)
        return made

    def blocks_at_once(self, candidates: int) -> int:  # noqa: ARG002  (of a workload's, each has a stack of its own)
        """Return how many blocks of a confirmation with this number of candidates are trained together."""
        return 1

    def replicates_at_once(self, lanes: int) -> int:  # noqa: ARG002  (one after the other is as fast)
        """Return how many replicates of a search with this number of lanes are trained together."""
        return 1

    @abstractmethod
    def payload(self, *, elsewhere: str | None = None) -> WorkerPayload:
        """Return what another process is given of the experiment.

        Args:
            elsewhere: the device that is asked for on another machine; None for a process of this one.
        """

    @abstractmethod
    def lane(self, schedule: AnySchedule, seeds: Seeds, params: Mapping[str, Any] | None = None) -> AnyLane:
        """Return what a stack trains: `params` hold the values of what is searched beside the schedule."""

    @abstractmethod
    def stack(
        self,
        seeds: Seeds,
        *,
        purpose: Purpose = "search",
        beside: LaneStack | None = None,
        rungs: Sequence[int] = (),
    ) -> LaneStack:
        """Return an empty stack on this unit's split.

        Args:
            seeds: whose split it is.
            purpose: what the lanes are for.
            beside: a stack that `run_together` can train with this one.
            rungs: the epochs after which it is decided whether a lane trains on; it may train on at once after others.
        """
