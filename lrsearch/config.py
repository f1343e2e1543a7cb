"""StudyConfig: one TOML file, one experiment, readable without the code."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from lrsearch.errors import InputError
from lrsearch.explain import did_you_mean, explain
from lrsearch.names import base_name
from lrsearch.schedules import (
    FAMILY_NAMES,
    PerEpoch,
    ReduceOnPlateau,
    Schedule,
    check_overrides,
    make_schedule,
    resolve_ranges,
)
from lrsearch.small_files import check_plain, read_data

_NOMINAL_STEPS = 1000
_FEWEST_BLOCKS = 6
MOST_EPOCHS = 10_000
BUILT_IN_WORKLOAD = "lrsearch.workloads.fashion_lenet:fashion_lenet"


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _shown_as_it_is(name: str) -> str:
    if not name.isprintable():
        raise ValueError(f"must hold no control characters, got {name!r}")
    return name


Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_shown_as_it_is)]
"""Of a study or a fixed schedule: it ends up in storages, terminals and pages."""


class SettingRange(_Table):
    """An optimizer's number that is searched: from `low` to `high`, on a logarithmic scale if `log`."""

    low: float
    high: float
    log: bool = False

    @model_validator(mode="after")
    def _ordered(self) -> SettingRange:
        if self.low > self.high:
            raise ValueError(f"low must not be above high, got {self.low} and {self.high}")
        if self.log and self.low <= 0:
            raise ValueError(f"low must be above 0 where log = true, got {self.low}")
        return self


class DataConfig(_Table):
    """`[data]`: which examples the built-in workload reads, and whether some are held back."""

    dataset: Literal["fashion-mnist", "mnist", "kmnist", "digits"] = "fashion-mnist"
    train: Literal["fit", "all"] = "fit"


class TrainingConfig(_Table):
    """`[training]`: how long and in what steps.

    `epochs` may be a list of budgets, each of which is a study of its own (`StudyConfig.at_budgets`); where only one
    can be meant it is the largest.
    """

    epochs: int = Field(30, ge=1, le=MOST_EPOCHS)
    batch_size: int | None = Field(None, ge=1)
    interval: Literal["step", "epoch"] = "step"
    budgets: tuple[Annotated[int, Field(ge=1, le=MOST_EPOCHS)], ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _list_of_budgets(cls, data: Any) -> Any:
        epochs = data.get("epochs") if isinstance(data, Mapping) else None
        if not isinstance(epochs, list | tuple):
            return data
        if not all(isinstance(number, int) and number >= 1 for number in epochs) or len(set(epochs)) < len(epochs):
            raise ValueError(f"epochs must be whole numbers of at least 1, each given once, got {list(epochs)}")
        if not epochs:
            raise ValueError("epochs must be a whole number or a list of them, got an empty list")
        return {**data, "epochs": max(epochs), "budgets": tuple(sorted(epochs)) if len(epochs) > 1 else ()}


class OptimizerConfig(_Table):
    """`[optimizer]`: fixed numbers, or `{ low = ..., high = ..., log = true }` where one is searched."""

    name: Literal["sgd", "adam", "adamw"] = "sgd"
    momentum: float | SettingRange = 0.0
    nesterov: bool = False
    weight_decay: float | SettingRange = 0.0
    beta1: float = Field(0.9, ge=0, lt=1)
    beta2: float = Field(0.999, ge=0, lt=1)
    eps: float = Field(1e-8, gt=0)

    @field_validator("momentum", "weight_decay")
    @classmethod
    def _in_bounds(cls, value: float | SettingRange, info: ValidationInfo) -> float | SettingRange:
        low, high = (value.low, value.high) if isinstance(value, SettingRange) else (value, value)
        if low < 0 or (info.field_name == "momentum" and high >= 1):
            raise ValueError(
                f"must be at least 0{' and below 1' if info.field_name == 'momentum' else ''}, got {value}"
            )
        return value

    @property
    def largest_momentum(self) -> float:
        """The momentum by which the default range of base_lr is scaled, and which decides whether a buffer is kept."""
        if self.name != "sgd":
            return 0.0
        return self.momentum.high if isinstance(self.momentum, SettingRange) else self.momentum

    def searched(self) -> dict[str, SettingRange]:
        """Return the settings that are searched rather than fixed."""
        return {k: v for k in ("momentum", "weight_decay") if isinstance(v := getattr(self, k), SettingRange)}


class SearchConfig(_Table):
    """`[search]`: over what, by what, and how much."""

    families: tuple[str, ...] = FAMILY_NAMES
    trials: int = Field(100, ge=1, le=10_000_000)
    sampler: Literal["tpe", "random", "qmc"] = "tpe"
    pruner: Literal["rungs", "median", "none"] = "rungs"
    replicates: int = Field(1, ge=1, le=10_000)

    @field_validator("families")
    @classmethod
    def _known(cls, families: tuple[str, ...]) -> tuple[str, ...]:
        for family in families:
            if family not in FAMILY_NAMES:
                raise ValueError(f"unknown family {family!r}{did_you_mean(family, FAMILY_NAMES)}")
        if not families or len(set(families)) < len(families):
            raise ValueError(f"families must be at least one, each named once, got {list(families)}")
        return families


class ContrastsConfig(_Table):
    """`contrasts` where not all pairs are planned: each family against one, or groups of families named beforehand."""

    against: str | None = None
    groups: dict[str, tuple[str, ...]] | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> ContrastsConfig:
        if (self.against is None) == (self.groups is None):
            raise ValueError("contrasts takes either against or groups")
        return self


class PlanConfig(_Table):
    """`[plan]`: what is decided before anything runs.

    `looks` are the numbers of blocks after which the verdict is looked at, where that is more than once: each look has
    its equal share of alpha. `tuning_efforts` are numbers of trials below the search's: the winner of every family's
    first so many is confirmed too.
    """

    alpha: float = Field(0.05, gt=0, lt=1)
    rope: float = Field(0.3, ge=0)
    blocks: int = Field(20, ge=1, le=100_000)
    looks: tuple[Annotated[int, Field(ge=_FEWEST_BLOCKS)], ...] = ()
    tuning_efforts: tuple[Annotated[int, Field(ge=1)], ...] = ()
    contrasts: Literal["all"] | ContrastsConfig = "all"
    claims: Literal["article"] | None = None

    @model_validator(mode="before")
    @classmethod
    def _blocks_of_the_last_look(cls, data: Any) -> Any:
        looks = data.get("looks") if isinstance(data, Mapping) else None
        return {"blocks": looks[-1], **data} if isinstance(looks, list | tuple) and looks else data

    @model_validator(mode="after")
    def _rise(self) -> PlanConfig:
        for name in ("looks", "tuning_efforts"):
            numbers = getattr(self, name)
            if list(numbers) != sorted(set(numbers)):
                raise ValueError(f"{name} must rise, got {list(numbers)}")
        if self.looks and self.blocks != self.looks[-1]:
            raise ValueError(f"blocks must be those of the last look, {self.looks[-1]}, got {self.blocks}")
        return self

    @property
    def alpha_of_a_look(self) -> float:
        """The family-wise error that one look may have."""
        return self.alpha / max(1, len(self.looks))


class BaselineConfig(BaseModel):
    """`[[baseline]]`: one fixed schedule under a name of its own; further keys are the schedule's parameters.

    `epochs` is the budget that its numbers are meant for: in a study of another length every boundary keeps its
    fraction of training. `momentum` and `weight_decay` are the optimizer's where the search samples those. `printed`
    holds numbers that somebody published for it (train_loss, test_loss, accuracy), to be shown beside ours.
    """

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)

    name: Name
    family: str
    base_lr: float = Field(gt=0)
    interval: Literal["step", "epoch"] = "step"
    lag: bool = False
    lag_lr: float | None = Field(None, gt=0)
    epochs: int | None = Field(None, ge=1, le=MOST_EPOCHS)
    momentum: float | None = Field(None, ge=0, lt=1)
    weight_decay: float | None = Field(None, ge=0)
    printed: dict[str, float] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _lag_has_a_rate(self) -> BaselineConfig:
        if self.lag and self.interval != "epoch":
            raise ValueError('lag = true needs interval = "epoch": the rate of epoch e is set after epoch e - 1')
        self.schedule(epochs=10_000, steps_per_epoch=1)
        return self

    def schedule(self, *, epochs: int, steps_per_epoch: int) -> Schedule | ReduceOnPlateau | PerEpoch:
        """Return the fixed schedule for a run of this length.

        Raises:
            ValueError: if a parameter is unknown to the family or out of its rule.
        """
        per_epoch = self.interval == "epoch"
        steps = 1 if per_epoch else steps_per_epoch
        meant = (self.epochs or epochs) * steps
        made = make_schedule(self.family, total_steps=meant, base_lr=self.base_lr, **(self.model_extra or {}))
        made = made.scaled_to(epochs * steps) if self.epochs else made
        if not per_epoch:
            return made
        if not isinstance(made, Schedule):
            raise ValueError(f'{self.family} already steps by the epoch: leave out interval = "epoch"')
        return PerEpoch(made, lag_lr=(self.lag_lr or self.base_lr) if self.lag else None)


class StudyConfig(_Table):
    """One experiment: a workload, a budget, a search space and a plan. Every table has sensible defaults."""

    name: Name = "study"
    description: str = ""
    workload: str = BUILT_IN_WORKLOAD
    seed: int = Field(0, ge=0)
    data: DataConfig = DataConfig()
    training: TrainingConfig = TrainingConfig()
    optimizer: OptimizerConfig = OptimizerConfig()
    search: SearchConfig = SearchConfig()
    ranges: dict[str, dict[str, Any]] = Field(default_factory=dict)
    plan: PlanConfig = PlanConfig()
    baseline: tuple[BaselineConfig, ...] = ()

    @field_validator("baseline")
    @classmethod
    def _distinct_names(cls, baselines: tuple[BaselineConfig, ...]) -> tuple[BaselineConfig, ...]:
        names = [baseline.name for baseline in baselines]
        if len(set(names)) < len(names):
            raise ValueError(f"names must be distinct, got {names}")
        return baselines

    @model_validator(mode="after")
    def _contrasts_name_what_is_compared(self) -> StudyConfig:
        planned = self.plan.contrasts
        if isinstance(planned, ContrastsConfig):
            known = [*self.search.families, *(baseline.name for baseline in self.baseline)]
            members = [planned.against] if planned.against else [n for g in (planned.groups or {}).values() for n in g]
            for name in members:
                if name not in known:
                    raise ValueError(f"plan.contrasts: {name!r} is not to be compared{did_you_mean(name, known)}")
                if name == ReduceOnPlateau.family:
                    raise ValueError(f"plan.contrasts: {name} reads a metric and takes no part in comparisons")
        return self

    @model_validator(mode="after")
    def _looks_are_at_blocks(self) -> StudyConfig:
        if self.plan.looks and self.search.replicates > 1:
            raise ValueError(
                f"plan.looks are for one search or fixed schedules: with {self.search.replicates} replicates the "
                "blocks are the searches, and all of them are there at once"
            )
        return self

    @field_validator("name")
    @classmethod
    def _is_no_part_of_a_study(cls, name: str) -> str:
        if base_name(name) != name:
            raise ValueError(
                f"must not end as the names of a study's own parts do (/confirm, /audit, /search-00), got {name!r}"
            )
        return name

    @model_validator(mode="after")
    def _ranges_are_ranges(self) -> StudyConfig:
        check_overrides(self.ranges)
        for family in self.search.families:
            # The number of updates is not known before the data is; bounds in steps are fractions of it.
            total_steps = self.training.epochs * (1 if self.training.interval == "epoch" else _NOMINAL_STEPS)
            momentum = self.optimizer.largest_momentum
            resolve_ranges(family, self.ranges, total_steps=total_steps, epochs=self.training.epochs, momentum=momentum)
        return self

    @model_validator(mode="after")
    def _baselines_have_what_is_searched(self) -> StudyConfig:
        for baseline in self.baseline:
            for name in ("momentum", "weight_decay"):
                searched, own = name in self.optimizer.searched(), getattr(baseline, name) is not None
                if searched and not own:
                    raise ValueError(f"baseline {baseline.name!r} needs its own {name}, because the search samples it")
                if own and not searched:
                    raise ValueError(f"baseline {baseline.name!r} has the {name} of [optimizer]: leave it out")
        return self

    @classmethod
    def load(cls, path: str | Path) -> StudyConfig:
        """Read a study file.

        Raises:
            InputError: if the file is missing, is not TOML, or has an unknown key or a value out of its rule; the
                message names the file, the key and what was meant.
        """
        path = Path(path)
        data = read_data(path, "study file", "toml")
        return cls.from_dict({"name": path.stem.replace("_", "-"), **data}, source=str(path))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], *, source: str = "study") -> StudyConfig:
        """Validate plain data, as TOML gives it; `source` begins every error."""
        check_plain(data, source)
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise InputError(f"{source}: {explain(error, _TABLES)}") from error

    def changed(self, changes: Mapping[str, Any]) -> StudyConfig:
        """Return the study with values replaced by dotted key (`{"training.epochs": 3}`); None changes nothing.

        Raises:
            InputError: if a value is out of its rule; the message names it as the flag `--epochs`.
        """
        data = self.model_dump()
        for key, value in changes.items():
            if value is not None:
                *tables, name = key.split(".")
                table = data
                for part in tables:
                    table = table[part]
                table[name] = value
                if key == "training.epochs":
                    table.pop("budgets", None)  # the new number replaces the study file's whole list
        try:
            return StudyConfig.from_dict(data)
        except InputError as error:
            _, _, message = str(error).partition(": ")
            wrong = next((key for key in changes if message.startswith(f"{key}: ")), None)
            named = message if wrong is None else f"--{wrong.rpartition('.')[2]}{message.removeprefix(wrong)}"
            raise InputError(named) from error

    def at_budgets(self) -> tuple[StudyConfig, ...]:
        """Return a study for each epoch budget, named NAME/epochs-10 ..., or this one alone if it has only one."""
        changes = [{"training.epochs": e, "name": f"{self.name}/epochs-{e}"} for e in self.training.budgets]
        return tuple(self.changed(change) for change in changes) or (self,)

    def identity(self) -> dict[str, Any]:
        """Return what makes two searches the same search, by dotted key: all that a trial's result depends on."""
        kept = {"workload": self.workload, "seed": self.seed}
        tables = {"data": self.data, "training": self.training, "optimizer": self.optimizer}
        kept |= {f"{t}.{k}": v for t, table in tables.items() for k, v in table.model_dump(mode="json").items()}
        search = self.search.model_dump(mode="json")
        return (
            kept | {f"search.{key}": search[key] for key in ("families", "sampler", "pruner")} | {"ranges": self.ranges}
        )


_TABLES: dict[tuple[str, ...], type[BaseModel]] = {
    (): StudyConfig,
    ("data",): DataConfig,
    ("training",): TrainingConfig,
    ("optimizer",): OptimizerConfig,
    ("search",): SearchConfig,
    ("plan",): PlanConfig,
    ("plan", "contrasts"): ContrastsConfig,
    ("optimizer", "momentum"): SettingRange,
    ("optimizer", "weight_decay"): SettingRange,
}


def shipped_study(name: str) -> Path:
    """Return the path of a study file that comes with lrsearch: fashion_lenet, quick or article."""
    inside = Path(__file__).parent / "studies" / f"{name}.toml"
    return inside if inside.exists() else Path(__file__).parent.parent / "studies" / f"{name}.toml"
