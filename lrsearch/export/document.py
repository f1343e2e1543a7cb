"""The exported document as a value: read from YAML, JSON or TOML, validated, ready to be trained."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from lrsearch.config import BUILT_IN_WORKLOAD, MOST_EPOCHS, OptimizerConfig, StudyConfig
from lrsearch.config.files import Kind, check_plain, read_data
from lrsearch.config.messages import explain
from lrsearch.config.study_tables import Table
from lrsearch.errors import InputError
from lrsearch.schedules import AnySchedule, PerEpoch, schedule_from_params

_MOST_BYTES = 8 << 20
"""The limit of an exported configuration, which may hold a table of all its rates."""


class SeedsTable(Table):
    """`[training.seeds]`: of the split of the data, of the initial weights and of the order of the batches."""

    split: int = Field(0, ge=0)
    init: int = Field(0, ge=0)
    order: int = Field(0, ge=0)


class TrainingTable(Table):
    """`[training]`: what is trained, how long and from which seeds; the workload's batch size unless one is given."""

    epochs: int = Field(ge=1, le=MOST_EPOCHS)
    batch_size: int | None = Field(None, ge=1)
    workload: str = BUILT_IN_WORKLOAD
    dataset: Literal["fashion-mnist", "mnist", "kmnist", "digits"] = "fashion-mnist"
    train: Literal["fit", "all"] = "fit"
    interval: Literal["step", "epoch"] = "step"
    seeds: SeedsTable = SeedsTable()


class RunTable(Table):
    """`[run]`: a run of a training function or a command of a person's own, and its seeds."""

    training: str | None = None
    command: tuple[str, ...] | None = None
    reports: int = Field(ge=1)
    seeds: SeedsTable = SeedsTable()


class Configuration(Table):
    """One configuration: everything that its training depends on, what it scored, and where it comes from.

    It has `optimizer` and `training` where lrsearch trained it, `run` and `parameters` where a function did, and none
    of these where it is a schedule alone. `schedule` holds what `schedule_from_params` takes; `scores` and
    `provenance` are for readers.
    """

    schedule: dict[str, Any]
    optimizer: OptimizerConfig = OptimizerConfig()
    training: TrainingTable | None = None
    run: RunTable | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    scores: dict[str, Any] = Field(default_factory=dict)
    provenance: dict[str, Any] = Field(default_factory=dict)

    @field_validator("schedule")
    @classmethod
    def _valid_schedule(cls, schedule: dict[str, Any]) -> dict[str, Any]:
        schedule_from_params(schedule)
        return schedule

    @field_validator("optimizer")
    @classmethod
    def _fixed_numbers(cls, optimizer: OptimizerConfig) -> OptimizerConfig:
        for name in optimizer.searched():
            raise ValueError(f"{name} must be one number, got a range: ranges belong in a study file")
        return optimizer

    @model_validator(mode="after")
    def _one_interval(self) -> Configuration:
        if self.training is not None and self.run is not None:
            raise ValueError("a configuration takes either training or run")
        if self.interval != self.schedule.get("interval", "step"):
            raise ValueError(
                f"training.interval is {self.interval!r}, but the schedule's interval is "
                f"{self.schedule.get('interval', 'step')!r}"
            )
        return self

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], *, source: str = "configuration") -> Configuration:
        """Validate plain data; `source` begins every error.

        Raises:
            InputError: for an unknown key, a missing one, or an invalid value.
        """
        check_plain(data, source)
        if "schedule" not in data and {"search", "ranges", "plan"} & data.keys():
            raise InputError(f"{source} is a study file: export a schedule of the study, lrsearch export -o best.toml")
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise InputError(f"{source}: {explain(error, cls)}") from error

    @property
    def interval(self) -> Literal["step", "epoch"]:
        """What the schedule counts."""
        return self.schedule.get("interval", "step") if self.training is None else self.training.interval

    @property
    def epochs(self) -> int:
        """How often it was evaluated: after every epoch, or at each report of a run; 1 of a schedule alone."""
        if self.training is not None:
            return self.training.epochs
        return 1 if self.run is None else self.run.reports

    @property
    def own_training(self) -> TrainingTable:
        """How lrsearch trains it.

        Raises:
            InputError: if it is a run of a function of a person's own, or a schedule alone.
        """
        if self.training is None and self.run is None:
            raise InputError("it is a schedule alone and says no training: make it a [[baseline]] of a study")
        if self.training is None:
            assert self.run is not None
            name = self.run.training or shlex.join(self.run.command or ())
            raise InputError(
                f"it is a run of {name}, which lrsearch cannot train again by itself: run that, or confirm the study"
            )
        return self.training

    def to_schedule(self) -> AnySchedule:
        """Return the schedule."""
        return schedule_from_params(self.schedule)

    def with_workload(self, address: str) -> Configuration:
        """Return the configuration with another workload, "package.module:function"."""
        return self.model_copy(update={"training": self.own_training.model_copy(update={"workload": address})})

    def identity(self) -> str:
        """Return 16 hexadecimal digits that change with anything that the training depends on."""
        tables = self.model_dump(mode="json", include={"schedule", "optimizer", "training", "run", "parameters"})
        return hashlib.sha256(json.dumps(tables, sort_keys=True).encode()).hexdigest()[:16]

    def study_config(self) -> StudyConfig:
        """Return a study file of this one configuration, from which an experiment is prepared."""
        training = self.own_training
        return StudyConfig.from_dict(
            {
                "name": "train",
                "workload": training.workload,
                "data": {"dataset": training.dataset, "train": training.train},
                "training": {"epochs": training.epochs, "batch_size": training.batch_size},
                "optimizer": self.optimizer.model_dump(),
            }
        )

    def check_length(self, steps_per_epoch: int) -> None:
        """Raise InputError unless the schedule ends in the last epoch of training."""
        schedule = self.to_schedule()
        a_step = 1 if isinstance(schedule, PerEpoch) else steps_per_epoch
        run_steps = self.epochs * a_step
        if not run_steps - a_step < schedule.total_steps <= run_steps:
            raise InputError(
                f"schedule.total_steps must end in the last epoch of training, {run_steps - a_step + 1} .. {run_steps} "
                f"({self.epochs} epochs of {a_step}), got {schedule.total_steps}; export --steps rescales"
            )


def load_configuration(path: str | Path) -> Configuration:
    """Read an exported configuration from a .yaml, .json or .toml file.

    Raises:
        InputError: if the file cannot be read, is of another kind, or does not hold a configuration.
    """
    path = Path(path)
    if (suffix := path.suffix.lower()) not in _KINDS:
        raise InputError(f"a configuration must be a .yaml, .json or .toml file, got {suffix or 'no suffix'}")
    data = read_data(path, "configuration", _KINDS[suffix], most_bytes=_MOST_BYTES)
    if not isinstance(data, Mapping):
        raise InputError(f"configuration {path} must hold the tables schedule and training, got {type(data).__name__}")
    return Configuration.from_dict(data, source=f"configuration {path}")


def is_configuration(path: Path) -> bool:
    """Return whether a file is meant as an exported configuration: it has a `schedule`, or is not TOML at all.

    A study file is always TOML; a file that cannot be read is none here, and an error where it is loaded.
    """
    try:
        return path.suffix.lower() != ".toml" or "schedule" in read_data(path, "study file", "toml")
    except InputError:
        return False


_KINDS: dict[str, Kind] = {".yaml": "yaml", ".yml": "yaml", ".json": "json", ".toml": "toml"}
