"""An experiment: a study file with its workload loaded, its data split and its search space resolved."""

from __future__ import annotations

import platform
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrsearch.config import StudyConfig
from lrsearch.errors import InputError
from lrsearch.experiment.space import Space, study_space
from lrsearch.metric import Metric
from lrsearch.schedules import AnySchedule, PerEpoch, Schedule, reads_metric
from lrsearch.training.check import check_workload, parameter_summary
from lrsearch.training.device import choose_device
from lrsearch.training.lane import Lane
from lrsearch.training.models import build_stack, kernels_of
from lrsearch.training.optimizers import OptimizerSettings, UpdateRule
from lrsearch.training.stack import Stack
from lrsearch.workloads import Dataset, Workload, examples_to_fit, load_data, load_workload, split_examples

_PROBE_EXAMPLES = 4


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


@dataclass(frozen=True, eq=False)
class Experiment:
    """Everything that a trial needs besides its schedule and its seeds."""

    config: StudyConfig
    workload: Workload
    dataset: Dataset
    device: str
    stored_space: Space | None = None
    stored_metric: Metric | None = None

    @classmethod
    def prepare(cls, config: StudyConfig, *, device: str = "auto") -> Experiment:
        """Load the workload and its data and try them out.

        Raises:
            InputError: if the workload, its data or the device is unavailable, or they do not fit together.
        """
        device = choose_device(device)
        workload = _workload(config)
        experiment = cls(config, workload, load_data(workload), device)
        x, y = experiment.dataset.train_x[:_PROBE_EXAMPLES], experiment.dataset.train_y[:_PROBE_EXAMPLES]
        check_workload(workload, x, y)
        if experiment.steps_per_epoch == 0:
            raise InputError(
                f"batch_size must be at most the {experiment.examples_to_fit} training examples that are fitted, got "
                f"{workload.batch_size}"
            )
        _ = experiment.fixed_schedules  # better now than after the search
        return experiment

    @cached_property
    def data_fingerprint(self) -> str:
        """The data set's fingerprint."""
        return self.dataset.fingerprint()

    @property
    def metric(self) -> Metric:
        """The workload's metric, and the unit in which people read it.

        A study that was begun earlier keeps its own.
        """
        return self.stored_metric or self.workload.score

    @property
    def examples_to_fit(self) -> int:
        """Training examples that are fitted; the others are held out."""
        return examples_to_fit(len(self.dataset.train_x), train=self.config.data.train)

    @cached_property
    def kernels(self) -> str:
        """The name of what computes a step, such as "numba float32x16": equal names, equal bits."""
        return kernels_of(self.workload, self.dataset.train_x, self.device)

    @property
    def steps_per_epoch(self) -> int:
        """Updates in one epoch; the last partial batch is dropped."""
        return self.examples_to_fit // self.workload.batch_size

    @cached_property
    def workload_facts(self) -> dict[str, Any]:
        """What a study's trials have in common besides its study file: trials that differ in it are not comparable."""
        return {
            "direction": self.metric.direction,
            "metric": self.metric.name,
            "unit": self.metric.unit,
            "batch_size": self.workload.batch_size,
            "steps_per_epoch": self.steps_per_epoch,
            "parameters": parameter_summary(self.workload),
        }

    @property
    def epochs(self) -> int:
        """Epochs of one trial."""
        return self.config.training.epochs

    @cached_property
    def space(self) -> Space:
        """The search space, in optimizer updates, or in epochs where the study says `interval = "epoch"`.

        A study that was begun earlier keeps the space that it stores, though default ranges have changed since.
        """
        if self.stored_space is not None:
            return self.stored_space
        per_epoch = self.config.training.interval == "epoch"
        if per_epoch and (unfit := [family for family in self.config.search.families if reads_metric(family)]):
            raise InputError(f'interval = "epoch": {unfit[0]} steps by the epoch itself; leave it out of families')
        return study_space(self.config, self.steps_per_epoch)

    @cached_property
    def fixed_schedules(self) -> dict[str, AnySchedule]:
        """The study file's `[[baseline]]` schedules by name, for a run of this length.

        Raises:
            InputError: if the numbers of one do not fit into the run.
        """
        schedules: dict[str, AnySchedule] = {}
        for baseline in self.config.baseline:
            try:
                schedules[baseline.name] = baseline.schedule(epochs=self.epochs, steps_per_epoch=self.steps_per_epoch)
            except InputError as error:
                raise InputError(f"baseline {baseline.name!r}: {error}") from error
        return schedules

    def continuing(self, metric: Metric, space: Mapping[str, Any] | None = None) -> Experiment:
        """Return the experiment with the metric of a study, and in the space that it stores, if it stores one."""
        stored = None if space is None else Space.from_json(space, self.config.optimizer.searched())
        return replace(self, stored_metric=metric, stored_space=stored)

    def schedule(self, params: Mapping[str, Any]) -> AnySchedule:
        """Return the schedule that a trial's parameters stand for."""
        schedule = self.space.schedule(params)
        if self.config.training.interval == "epoch" and isinstance(schedule, Schedule):
            return PerEpoch(schedule)
        return schedule

    def lane(self, schedule: AnySchedule, seeds: Seeds, params: Mapping[str, Any] | None = None) -> Lane:
        """Return the lane of a schedule; `params` hold the optimizer's settings where those are searched."""
        fixed = self.config.optimizer
        numbers = {name: getattr(fixed, name) for name in ("momentum", "weight_decay", "beta1", "beta2", "eps")}
        numbers |= {name: (params or {})[name] for name in fixed.searched()}
        return Lane(schedule, seeds.init, seeds.order, OptimizerSettings(**numbers))

    def stack(self, seeds: Seeds) -> Stack:
        """Return an empty stack on this unit's split."""
        labels = self.dataset.train_y.numpy()
        return build_stack(
            self.workload,
            self.dataset,
            split_examples(labels, seeds.split, train=self.config.data.train),
            self.rule,
            device=self.device,
        )

    @property
    def rule(self) -> UpdateRule:
        """The optimizer's part that all lanes share."""
        optimizer = self.config.optimizer
        return UpdateRule(
            optimizer.name,
            nesterov=optimizer.nesterov,
            uses_momentum=optimizer.largest_momentum > 0,
            uses_decay=bool(optimizer.weight_decay),
            clip_norm=optimizer.clip_norm,
            no_decay=optimizer.no_decay,
        )


@dataclass(frozen=True, eq=False)
class WorkerPayload:
    """What another process is given of an experiment.

    Attributes:
        config: the study.
        device: "cpu" or "cuda"; for another machine also "auto".
        fingerprint: of the data set.
        arrays: the data set, which processes of one machine share; None where a machine loads its own copy.
    """

    config: StudyConfig
    device: str
    fingerprint: str
    arrays: tuple[NDArray[np.generic], ...] | None = None

    def experiment(self) -> Experiment:
        """Return the experiment in this process.

        Raises:
            InputError: as `Experiment.prepare`, or if this machine's copy of the data has another fingerprint.
        """
        if self.arrays is not None:
            return Experiment(self.config, _workload(self.config), Dataset.from_arrays(*self.arrays), self.device)
        experiment = Experiment.prepare(self.config, device=self.device)
        if experiment.data_fingerprint != self.fingerprint:
            raise InputError(
                f"{platform.node()} has other data than the machine that began the run (fingerprint "
                f"{experiment.data_fingerprint}, not {self.fingerprint}): give both the same files"
            )
        return experiment


def _workload(config: StudyConfig) -> Workload:
    options = {"dataset": config.data.dataset} if config.data.dataset else {}
    workload = load_workload(config.workload, **options)
    return replace(workload, batch_size=config.training.batch_size) if config.training.batch_size else workload
