"""An experiment whose trials are runs of a training function or a command of a person's own."""

from __future__ import annotations

import math
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from lrsearch.config import StudyConfig
from lrsearch.config.baseline import BaselineConfig
from lrsearch.config.run_table import RunConfig
from lrsearch.config.trust import note_loaded
from lrsearch.errors import InputError
from lrsearch.experiment.experiment import Experiment, Seeds
from lrsearch.experiment.space import Space, study_space
from lrsearch.metric import Metric
from lrsearch.runs.checkpoints.pace import pause_seconds
from lrsearch.runs.command.running import RunningCommand
from lrsearch.runs.devices import places
from lrsearch.runs.function import load_training
from lrsearch.runs.process.running import RunningProcess, RunningThread, Starter
from lrsearch.runs.run_stack import RunStack
from lrsearch.runs.spec import Purpose, RunSeeds, RunSpec
from lrsearch.schedules import AnySchedule
from lrsearch.training.device import usable_cores
from lrsearch.training.lane import LaneStack
from lrsearch.workloads.workload import digest_of_files, source_digest


@dataclass(frozen=True, eq=False)
class RunExperiment(Experiment):
    """Everything that a run needs besides its schedule and its seeds.

    Attributes:
        at_once: how many runs there are at a time in this process.
        devices: CUDA_VISIBLE_DEVICES of each of them; empty where runs see what this process sees.
    """

    at_once: int = 1
    devices: tuple[str, ...] = ()
    _told: set[str] = field(default_factory=set)

    @classmethod
    def prepare(cls, config: StudyConfig, *, at_once: int | None = None, runs_per_gpu: int = 1) -> RunExperiment:
        """Import the training function, or find the command's program.

        Args:
            config: the study, with `[run]`.
            at_once: runs at a time; as many as the processor, and the GPUs, have room for if None.
            runs_per_gpu: how many runs share a GPU, where runs have their own.

        Raises:
            InputError: if the function cannot be imported or takes something else than a run, the program is not
                there, or runs at a time need more GPUs than there are.
        """
        run = config.run
        assert run is not None
        if sys.platform == "win32":
            raise InputError("[run] needs Linux (macOS is not tested): runs are ended by signals, which Windows lacks")
        if run.training is not None:
            load_training(run.training)
        elif shutil.which((run.command or ("",))[0]) is None:
            raise InputError(f"run.command: the program {(run.command or ('',))[0]!r} is not found")
        else:
            note_loaded(run.name)
        side_by_side = at_once or max(1, usable_cores() // run.threads)
        devices = places(run.gpus, runs_per_gpu=runs_per_gpu) if run.gpus else []
        if devices and at_once is not None and at_once > len(devices):
            raise InputError(
                f"workers must be at most {len(devices)}, for as many runs have the visible GPUs room "
                f"(--runs-per-gpu {runs_per_gpu}), got {at_once}"
            )
        if devices:
            side_by_side = at_once or len(devices)
        experiment = cls(config, "cpu", at_once=1 if run.in_process else side_by_side, devices=tuple(devices))
        _ = experiment.fixed_schedules  # better now than after the search
        return experiment

    @property
    def run(self) -> RunConfig:
        """`[run]` of the study file."""
        assert self.config.run is not None
        return self.config.run

    @property
    def name(self) -> str:
        """The address of the training function, or the command."""
        return self.run.name

    @property
    def fresh_metric(self) -> Metric:
        """What runs report, and the unit in which people read it."""
        return Metric.of_scores(self.run.metric, self.run.direction, self.run.unit)

    @property
    def worst_value(self) -> float:
        """The metric of a model that has learned nothing, or infinitely bad where it is not known."""
        return self.metric.worst if self.run.worst_value is None else self.run.worst_value

    @property
    def failed_at(self) -> float | None:
        """The metric from which on a confirmed run has failed, where the study file says so."""
        return self.run.failed_at

    @property
    def data_fingerprint(self) -> str:
        """Nothing is known of the data."""
        return ""

    @property
    def source_digest(self) -> str:
        """A digest of the file in which the function stands, or of the files that the command names."""
        if self.run.training is not None:
            return source_digest(self.run.training)
        return digest_of_files(*(word for word in self.run.command or () if Path(word).is_file()))

    @property
    def kernels(self) -> str:
        """Nothing is known of what computes a step."""
        return ""

    @property
    def device_label(self) -> str:
        """Nothing is known of the device."""
        return ""

    @property
    def facts(self) -> dict[str, Any]:
        """What a study's trials have in common besides its study file: nothing, as `[run]` says it all."""
        return {"direction": self.metric.direction, "metric": self.metric.name, "unit": self.metric.unit}

    @property
    def total_steps(self) -> int:
        """Updates of one run."""
        return self.run.total_steps

    @property
    def steps_per_epoch(self) -> int:
        """Updates from one report to the next, whole ones."""
        return self.run.total_steps // self.run.reports

    @cached_property
    def fresh_space(self) -> Space:
        """The search space of a new study."""
        return study_space(self.config, self.steps_per_epoch)

    def _fixed_schedule(self, baseline: BaselineConfig) -> AnySchedule:
        """Return the schedule of a `[[baseline]]`."""
        return baseline.schedule(epochs=self.total_steps, steps_per_epoch=1)

    def blocks_at_once(self, candidates: int) -> int:
        """Return how many blocks leave no place empty: the fewest whose runs are a multiple of the places."""
        return self.at_once // math.gcd(self.at_once, candidates)

    def payload(self, *, elsewhere: str | None = None) -> RunPayload:  # noqa: ARG002  (runs choose their device)
        """Return what another process is given."""
        return RunPayload(self.config)

    def lane(self, schedule: AnySchedule, seeds: Seeds, params: Mapping[str, Any] | None = None) -> RunSpec:
        """Return a run; `params` hold the values of `[parameters]`."""
        return RunSpec(
            training=self.run.name,
            command=self.run.command or (),
            score_pattern=self.run.score_pattern,
            schedule=schedule.params(),
            parameters={name: (params or {})[name] for name in self.config.searched},
            seeds=RunSeeds(seeds.init, seeds.order, seeds.split),
            total_steps=self.run.total_steps,
            reports=self.run.reports,
            epochs=self.run.epochs or self.run.reports,
            test=self.run.test,
            threads=self.run.threads,
            path=tuple(sys.path),
            checkpoint_seconds=pause_seconds(),
        )

    def stack(
        self,
        seeds: Seeds,  # noqa: ARG002  (each run has its own)
        *,
        purpose: Purpose = "search",
        beside: LaneStack | None = None,  # noqa: ARG002
        rungs: Sequence[int] = (),
    ) -> RunStack:
        """Return an empty stack of runs."""
        start: Starter = RunningThread if self.run.in_process else RunningProcess
        return RunStack(
            start if self.run.command is None else RunningCommand,
            purpose=purpose,
            reports=self.run.reports,
            at_once=self.at_once,
            timeout=None if self.run.in_process else self.run.timeout,
            devices=self.devices[: self.at_once],
            rungs=rungs,
            told=self._told,
        )


@dataclass(frozen=True)
class RunPayload:
    """What another process, which has one run at a time, is given of an experiment: the study alone."""

    config: StudyConfig

    def experiment(self) -> RunExperiment:
        """Return the experiment in this process.

        Raises:
            InputError: as `RunExperiment.prepare`.
        """
        return RunExperiment.prepare(self.config, at_once=1)
