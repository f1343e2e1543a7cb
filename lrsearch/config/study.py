"""StudyConfig: one TOML file, one experiment, readable without the code."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import (
    Field,
    PrivateAttr,
    SerializerFunctionWrapHandler,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_serializer,
    model_validator,
)

from lrsearch.config.arguments import checked
from lrsearch.config.baseline import BaselineConfig
from lrsearch.config.built_in import study_path
from lrsearch.config.changes import named_as_flag, with_changes
from lrsearch.config.files import check_plain, parsed, read_text
from lrsearch.config.messages import explain
from lrsearch.config.plan_tables import ContrastsConfig, PlanConfig
from lrsearch.config.rates_file import with_rates
from lrsearch.config.run_table import OF_WORKLOADS, RUN_WITHOUT_EFFECT, Parameters, RunConfig, bounds_of
from lrsearch.config.study_tables import DataConfig, Name, OptimizerConfig, SearchConfig, Table, TrainingConfig
from lrsearch.config.whole_file import check_schedule_free, checked_whole
from lrsearch.errors import InputError
from lrsearch.names import base_name
from lrsearch.schedules import Choice, Range, ScheduleFree, check_overrides, resolve_ranges

_NOMINAL_STEPS = 1000
BUILT_IN_WORKLOAD = "lrsearch.workloads.fashion_lenet:fashion_lenet"
_BUILT_IN_DATA = "fashion-mnist"


class StudyConfig(Table):
    """One experiment: what is trained, a budget, a search space and a plan. Every table has sensible defaults.

    What is trained is a workload with `[data]`, `[training]` and `[optimizer]`, or `[run]` with `[parameters]`.
    """

    name: Name = "study"
    description: str = ""
    workload: str = BUILT_IN_WORKLOAD
    seed: int = Field(0, ge=0)
    run: RunConfig | None = None
    parameters: Parameters = Field(default_factory=dict)
    data: DataConfig = Field(DataConfig(), validate_default=True)
    training: TrainingConfig = TrainingConfig()
    optimizer: OptimizerConfig = OptimizerConfig()
    search: SearchConfig = Field(default_factory=SearchConfig)
    ranges: dict[str, dict[str, Any]] = Field(default_factory=dict)
    plan: PlanConfig = PlanConfig()
    baseline: tuple[BaselineConfig, ...] = ()
    _text: str = PrivateAttr("")

    @field_validator("data")
    @classmethod
    def _data_of_the_workload(cls, data: DataConfig, info: ValidationInfo) -> DataConfig:
        """Fill in the built-in workload's data set; all else has its own."""
        built_in = info.data.get("workload") == BUILT_IN_WORKLOAD and info.data.get("run") is None
        return data.model_copy(update={"dataset": (data.dataset or _BUILT_IN_DATA) if built_in else None})

    @model_validator(mode="before")
    @classmethod
    def _as_a_whole(cls, data: Any) -> Any:
        return checked_whole(data) if isinstance(data, Mapping) else data

    @model_serializer(mode="wrap")
    def _only_what_it_has(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out the tables of the other way to train."""
        left_out = OF_WORKLOADS if self.run is not None else ("run", "parameters")
        return {name: value for name, value in handler(self).items() if name not in left_out}

    @field_validator("baseline")
    @classmethod
    def _distinct_names(cls, baselines: tuple[BaselineConfig, ...]) -> tuple[BaselineConfig, ...]:
        names = [baseline.name for baseline in baselines]
        if len(set(names)) < len(names):
            raise ValueError(f"names must be distinct, got {names}")
        return baselines

    @field_validator("name")
    @classmethod
    def _is_no_part_of_a_study(cls, name: str) -> str:
        if base_name(name) != name:
            raise ValueError(
                f"must not end in /confirm, /audit or /search-00, which name the parts of a study, got {name!r}"
            )
        return name

    @model_validator(mode="after")
    def _tables_fit_together(self) -> StudyConfig:
        if isinstance(self.plan.contrasts, ContrastsConfig):
            self.plan.contrasts.check_members([*self.search.families, *(baseline.name for baseline in self.baseline)])
        if self.plan.looks and self.search.replicates > 1:
            raise ValueError(
                "plan.looks are for one search or fixed schedules: the blocks of "
                f"{self.search.replicates} replicates are all complete at once"
            )
        self._check_ranges()
        searched = ScheduleFree.family in self.search.families
        if searched or any(baseline.family == ScheduleFree.family for baseline in self.baseline):
            check_schedule_free(self.optimizer, searched=searched, of_run=self.run is not None, ranges=self.ranges)
        for baseline in self.baseline:
            if self.run is not None:
                baseline.check_for_run(self.searched)
            else:
                baseline.check_for_workload(self.optimizer.searched())
        return self

    def _check_ranges(self) -> None:
        check_overrides(self.ranges)
        if self.run is not None:
            total_steps = self.run.total_steps
        else:  # the number of updates is not known before the data is; bounds in steps are fractions of it
            total_steps = self.training.epochs * (1 if self.training.interval == "epoch" else _NOMINAL_STEPS)
        for family in self.search.families:
            resolve_ranges(
                family,
                self.ranges,
                total_steps=total_steps,
                epochs=self.epochs,
                momentum=self.optimizer.largest_momentum,
                optimizer=self.optimizer.name,
            )

    @classmethod
    def for_workload(cls, address: str) -> StudyConfig:
        """Return a study of a workload with every other value at its default, named after the workload's function.

        Args:
            address: of the workload, "package.module:function".
        """
        name = address.rpartition(":")[2].replace("_", "-")
        return cls.from_dict({"name": name or "study", "workload": address}, source="--workload")

    @classmethod
    @checked
    def load(cls, path: str | Path) -> StudyConfig:
        """Read a study file.

        Args:
            path: of the file, or the name of a study that comes with lrsearch, such as "quick".

        Raises:
            InputError: if the file is missing, is not TOML, or has an unknown key or an invalid value; the
                message names the file, the key and what was meant.
        """
        path = study_path(path)
        text = read_text(path, "study file")
        data = parsed(text, path, "study file", "toml")
        check_plain(data, str(path))
        if isinstance(data.get("baseline"), list):
            data["baseline"] = [with_rates(baseline, path.parent) for baseline in data["baseline"]]
        config = cls.from_dict({"name": path.stem.replace("_", "-"), **data}, source=str(path))
        if "dataset" in data.get("data", {}) and config.data.dataset is None:
            raise InputError(
                f"{path}: data.dataset is for the built-in workload, and {config.trained} brings its own data: "
                "leave it out"
            )
        config._text = text
        return config

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], *, source: str = "study") -> StudyConfig:
        """Validate plain data, as TOML gives it; `source` begins every error."""
        check_plain(data, source)
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise InputError(f"{source}: {explain(error, cls)}") from error

    def __eq__(self, other: object) -> bool:
        """Return whether two studies are the same, also where they were read from different files."""
        return isinstance(other, StudyConfig) and self.__dict__ == other.__dict__

    @property
    def text(self) -> str:
        """The study file as it was written, comments and all; "" where the study was not read from one."""
        return self._text

    @property
    def data_name(self) -> str:
        """What is trained on: the built-in workload's data set, or the address of what has its own data."""
        return self.data.dataset or self.trained

    @property
    def trained(self) -> str:
        """What is trained: the address of the training function or of the workload, or a command."""
        return self.workload if self.run is None else self.run.name

    @property
    def epochs(self) -> int:
        """How often a trial is evaluated: after every epoch, or at each report of a run."""
        return self.training.epochs if self.run is None else self.run.reports

    @property
    def searched(self) -> dict[str, Range | Choice]:
        """What is searched in every family beside its schedule: the optimizer's settings, or `[parameters]`."""
        if self.run is not None:
            return {name: bounds_of(parameter) for name, parameter in self.parameters.items()}
        return {name: Range(r.low, r.high, r.log) for name, r in self.optimizer.searched().items()}

    def changed(self, changes: Mapping[str, Any]) -> StudyConfig:
        """Return the study with values replaced by dotted key (`{"training.epochs": 3}`); None changes nothing.

        Raises:
            InputError: if a value is invalid; the message names it as its flag, such as `--epochs`.
        """
        data = with_changes(self.model_dump(exclude_unset=True), changes, of_run=self.run is not None)
        try:
            changed = StudyConfig.from_dict(data)
        except InputError as error:
            raise InputError(named_as_flag(str(error), changes)) from error
        if changes.get("data.dataset") is not None and changed.data.dataset is None:
            raise InputError(f"--dataset is for the built-in workload; {changed.workload} brings its own data")
        changed._text = self._text
        return changed

    def at_budgets(self) -> tuple[StudyConfig, ...]:
        """Return a study for each epoch budget, named NAME/epochs-10 ..., or this one alone if it has only one."""
        changes = [{"training.epochs": e, "name": f"{self.name}/epochs-{e}"} for e in self.training.budgets]
        return tuple(self.changed(change) for change in changes) or (self,)

    def identity(self) -> dict[str, Any]:
        """Return what makes two searches the same search, by dotted key: all that a trial's result depends on."""
        dumped = self.model_dump(mode="json")
        kept = {"workload": self.workload} if self.run is None else {}
        tables = ("data", "training", "optimizer") if self.run is None else ("run", "parameters")
        kept |= {"seed": self.seed} | {
            f"{table}.{key}": value
            for table in tables
            for key, value in dumped[table].items()
            if f"{table}.{key}" not in RUN_WITHOUT_EFFECT
        }
        search = self.search.model_dump(mode="json")
        return (
            kept | {f"search.{key}": search[key] for key in ("families", "sampler", "pruner")} | {"ranges": self.ranges}
        )
