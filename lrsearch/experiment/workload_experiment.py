"""An experiment whose trials lrsearch trains itself: a workload, its data and its optimizer."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrsearch.config import StudyConfig
from lrsearch.config.baseline import BaselineConfig
from lrsearch.errors import InputError
from lrsearch.experiment.experiment import Experiment, Seeds
from lrsearch.experiment.space import Space, study_space
from lrsearch.metric import Metric
from lrsearch.runs.spec import Purpose
from lrsearch.schedules import AnySchedule, PerEpoch, Schedule, reads_metric
from lrsearch.training.check import check_set_metric, check_workload, parameter_summary
from lrsearch.training.choice import Choice, choose_way
from lrsearch.training.data import TrainingData
from lrsearch.training.device import choose_device, set_up_device
from lrsearch.training.lane import Lane, LaneStack
from lrsearch.training.model import Way
from lrsearch.training.models import build_stack, is_fast_lenet, kernels_of
from lrsearch.training.optimizers.rule import OptimizerSettings, UpdateRule
from lrsearch.training.stack import Stack
from lrsearch.workloads import Dataset, Split, Workload, load_data, load_workload
from lrsearch.workloads.workload import source_digest

_PROBE_EXAMPLES = 4
_MOST_LANES = 256
"""In one stack, of several replicates: more fill a GPU no better."""


@dataclass(frozen=True, eq=False)
class WorkloadExperiment(Experiment):
    """Everything that a trial of a workload needs besides its schedule and its seeds."""

    workload: Workload
    dataset: Dataset

    @classmethod
    def prepare(cls, config: StudyConfig, *, device: str = "auto") -> WorkloadExperiment:
        """Load the workload and its data and try them out.

        Raises:
            InputError: if the workload, its data or the device is unavailable, or they do not fit together.
        """
        device = choose_device(device)
        workload = _workload(config)
        experiment = cls(config, device, workload, load_data(workload))
        x, y = experiment.dataset.train_x[:_PROBE_EXAMPLES], experiment.dataset.train_y[:_PROBE_EXAMPLES]
        check_workload(workload, x, y)
        check_set_metric(workload, experiment.dataset.test_x, experiment.dataset.test_y)
        if experiment.dataset.validation_x is not None and experiment.dataset.validation_y is not None:
            check_set_metric(workload, experiment.dataset.validation_x, experiment.dataset.validation_y)
        if experiment.steps_per_epoch == 0:
            raise InputError(
                f"batch_size must be at most the {experiment.examples_to_fit} training examples that are fitted, got "
                f"{workload.batch_size}"
            )
        _ = experiment.fixed_schedules  # better now than after the search
        return experiment

    @property
    def name(self) -> str:
        """The workload's name."""
        return self.workload.name

    @cached_property
    def data_fingerprint(self) -> str:
        """The data set's fingerprint."""
        return self.dataset.fingerprint()

    @property
    def source_digest(self) -> str:
        """A digest of the file in which the workload's function stands."""
        return source_digest(self.config.workload)

    @property
    def fresh_metric(self) -> Metric:
        """The workload's metric, and the unit in which people read it."""
        return self.workload.score

    @property
    def worst_value(self) -> float:
        """The metric of a model that has learned nothing, or infinitely bad where it is not known."""
        return self.metric.worst if self.workload.worst_value is None else self.workload.worst_value

    @property
    def failed_at(self) -> float | None:
        """The metric from which on a confirmed run has failed, where the workload says so."""
        return self.workload.failed_at

    @property
    def cautions(self) -> tuple[str, ...]:
        """What to know of the plan before anything is trained."""
        test_examples = len(self.dataset.test_x) if self.metric.name == "accuracy" else None
        return tuple(self.metric.coarse_rope(self.config.plan.rope_for(self.metric), test_examples))

    @property
    def examples_to_fit(self) -> int:
        """Training examples that are fitted; the others are held out."""
        return self.dataset.examples_to_fit(train=self.config.data.train)

    def fastest_way(self, lanes: int | None = None) -> Way:
        """Return the faster way to train a number of lanes here; with None side by side wherever that is possible."""
        return self.choose_way(lanes).way

    def choose_way(self, lanes: int | None) -> Choice:
        """Return `fastest_way` with its reason and the seconds of a step."""
        if is_fast_lenet(self.workload, self.dataset.train_x, self.device):
            return Choice("stacked")
        set_up_device(self.device)
        data = TrainingData.build(self.dataset, self._split(Seeds.of(self.config.seed, "way", 0)), device=self.device)
        return choose_way(self.workload, data, self.rule, lanes=lanes)

    @cached_property
    def kernels(self) -> str:
        """The name of what computes a step, such as "numba 4 float32x16": equal names, equal bits."""
        return kernels_of(self.workload, self.dataset.train_x, self.device, self.way)

    @property
    def steps_per_epoch(self) -> int:
        """Updates in one epoch; the last partial batch is dropped."""
        return self.examples_to_fit // self.workload.batch_size

    @property
    def total_steps(self) -> int:
        """Updates of one trial."""
        return self.epochs * self.steps_per_epoch

    @cached_property
    def facts(self) -> dict[str, Any]:
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
    def fresh_space(self) -> Space:
        """The search space of a new study."""
        per_epoch = self.config.training.interval == "epoch"
        if per_epoch and (unfit := [family for family in self.config.search.families if reads_metric(family)]):
            raise InputError(f'interval = "epoch": {unfit[0]} steps by the epoch itself; leave it out of families')
        return study_space(self.config, self.steps_per_epoch)

    def schedule(self, params: Mapping[str, Any]) -> AnySchedule:
        """Return the schedule that a trial's parameters stand for, by the epoch where the study says so."""
        schedule = super().schedule(params)
        if self.config.training.interval == "epoch" and isinstance(schedule, Schedule):
            return PerEpoch(schedule)
        return schedule

    def _fixed_schedule(self, baseline: BaselineConfig) -> AnySchedule:
        """Return the schedule of a `[[baseline]]`."""
        return baseline.schedule(epochs=self.epochs, steps_per_epoch=self.steps_per_epoch)

    def payload(self, *, elsewhere: str | None = None) -> WorkloadPayload:
        """Return what another process is given: the data too, where it is one of this machine."""
        if elsewhere is None:
            return WorkloadPayload(self.config, self.device, self.data_fingerprint, self.way, self.dataset.arrays())
        return WorkloadPayload(self.config, elsewhere, self.data_fingerprint, self.way)

    def lane(self, schedule: AnySchedule, seeds: Seeds, params: Mapping[str, Any] | None = None) -> Lane:
        """Return the lane of a schedule; `params` hold the optimizer's settings where those are searched."""
        return Lane(schedule, seeds.init, seeds.order, OptimizerSettings.of(self.config.optimizer, params))

    def replicates_at_once(self, lanes: int) -> int:
        """Return how many replicates fill a GPU; of a module, whose memory is not known, one has to do."""
        fills = self.device == "cuda" and is_fast_lenet(self.workload, self.dataset.train_x, self.device)
        return max(1, _MOST_LANES // lanes) if fills else 1

    def stack(
        self,
        seeds: Seeds,
        *,
        purpose: Purpose = "search",  # noqa: ARG002  (the data is here)
        beside: LaneStack | None = None,
        rungs: Sequence[int] = (),  # noqa: ARG002  (no lane trains on by itself)
    ) -> Stack:
        """Return an empty stack on this unit's split, which `run_together` can train with the stack `beside`."""
        split = self._split(seeds)
        if isinstance(beside, Stack):
            return beside.beside(split)
        return build_stack(self.workload, self.dataset, split, self.rule, device=self.device, way=self.way)

    def _split(self, seeds: Seeds) -> Split:
        return self.dataset.split(seeds.split, train=self.config.data.train)

    @property
    def rule(self) -> UpdateRule:
        """The optimizer's part that all lanes share."""
        return UpdateRule.of(self.config.optimizer)


@dataclass(frozen=True, eq=False)
class WorkloadPayload:
    """What another process is given of an experiment.

    Attributes:
        config: the study.
        device: "cpu" or "cuda"; for another machine also "auto".
        fingerprint: of the data set.
        way: in which lanes train.
        arrays: the data set, which processes of one machine share; None where a machine loads its own copy.
    """

    config: StudyConfig
    device: str
    fingerprint: str
    way: Way
    arrays: dict[str, NDArray[np.generic]] | None = None

    def experiment(self) -> WorkloadExperiment:
        """Return the experiment in this process.

        Raises:
            InputError: as `WorkloadExperiment.prepare`, or if this machine's copy of the data has another fingerprint.
        """
        if self.arrays is not None:
            dataset = Dataset.from_arrays(self.arrays)
            return WorkloadExperiment(self.config, self.device, _workload(self.config), dataset, way=self.way)
        experiment = WorkloadExperiment.prepare(self.config, device=self.device)
        if experiment.data_fingerprint != self.fingerprint:
            raise InputError(
                f"{platform.node()} has other data than the machine that began the run (fingerprint "
                f"{experiment.data_fingerprint}, not {self.fingerprint}): give both the same files"
            )
        return replace(experiment, way=self.way)


def _workload(config: StudyConfig) -> Workload:
    options = {"dataset": config.data.dataset} if config.data.dataset else {}
    workload = load_workload(config.workload, **options)
    return replace(workload, batch_size=config.training.batch_size) if config.training.batch_size else workload
