"""The tables of a study file: each a frozen value with its rules and defaults."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from lrsearch.config.messages import shortened, types_in
from lrsearch.names import PrunerKind, SamplerKind
from lrsearch.schedules import FAMILIES, OptimizerKind, default_families
from lrsearch.text import did_you_mean

MOST_EPOCHS = 10_000


class Table(BaseModel):
    """A table of a study file: unknown keys are refused, and nothing in it changes."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _of_its_kind(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse what pydantic would convert: true, false and text to numbers, numbers and text to true and false."""
        annotation = cls.model_fields[str(info.field_name)].annotation
        kinds = types_in(annotation)
        parts = value if isinstance(value, list | tuple) else [value]
        if isinstance(value, Mapping) and get_origin(annotation) is dict:
            parts = list(value.values())
        for part in parts if Any not in kinds else []:
            if isinstance(part, bool) and bool not in kinds:
                raise ValueError(f"must not be true or false, got {str(part).lower()}")
            if isinstance(part, str) and kinds & {int, float} and str not in kinds:
                number = "a number" if float in kinds else "an integer"
                raise ValueError(f"must be {number}, got {shortened(part)}")
            if isinstance(part, int | float | str) and not isinstance(part, bool) and kinds == {bool}:
                raise ValueError(f"must be true or false, got {shortened(part)}")
        return value


def _shown_as_it_is(name: str) -> str:
    if not name.isprintable():
        raise ValueError(f"must hold no control characters, got {name!r}")
    if not name.strip():
        raise ValueError(f"must not be blank, got {name!r}")
    return name


Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_shown_as_it_is)]
"""Of a study or a fixed schedule: it ends up in storages, terminals and pages."""


class SettingRange(Table):
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
        if not math.isfinite(self.high - self.low):
            raise ValueError(f"low and high must be closer to each other, got {self.low} and {self.high}")
        return self


class DataConfig(Table):
    """`[data]`: which examples the built-in workload reads, and whether some are held out ("fit") or none ("all").

    `dataset` is None exactly where another workload brings its own data.
    """

    dataset: Literal["fashion-mnist", "mnist", "kmnist", "digits"] | None = None
    train: Literal["fit", "all"] = "fit"


class TrainingConfig(Table):
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


SEARCHABLE = ("momentum", "weight_decay", "ema_decay")
"""The optimizer's numbers that may be a range, which a search then draws from."""

_EMA_DECAY = 0.999


class OptimizerConfig(Table):
    """`[optimizer]`: fixed numbers, or `{ low = ..., high = ..., log = true }` where one is searched.

    `clip_norm` is the longest that a gradient may be; `no_decay = "vectors"` keeps weight decay from parameters of one
    dimension, which are biases and normalisation layers. `average = "ema"` judges an exponential average of the
    weights, of which each update keeps the share `ema_decay`.
    """

    name: OptimizerKind = "sgd"
    momentum: float | SettingRange = 0.0
    nesterov: bool = False
    weight_decay: float | SettingRange = 0.0
    beta1: float = Field(0.9, ge=0, lt=1)
    beta2: float = Field(0.999, ge=0, lt=1)
    eps: float = Field(1e-8, gt=0)
    clip_norm: float | None = Field(None, gt=0)
    no_decay: Literal["vectors"] | None = None
    average: Literal["ema"] | None = None
    ema_decay: float | SettingRange = _EMA_DECAY

    @field_validator(*SEARCHABLE)
    @classmethod
    def _in_bounds(cls, value: float | SettingRange, info: ValidationInfo) -> float | SettingRange:
        low, high = (value.low, value.high) if isinstance(value, SettingRange) else (value, value)
        below_1 = info.field_name != "weight_decay"
        if low < 0 or (below_1 and high >= 1):
            raise ValueError(f"must be at least 0{' and below 1' if below_1 else ''}, got {value}")
        return value

    @model_validator(mode="after")
    def _decay_of_an_average(self) -> OptimizerConfig:
        if self.average is None and self.ema_decay != _EMA_DECAY:
            raise ValueError('ema_decay is of an average of the weights: give average = "ema" too, or leave it out')
        return self

    @property
    def largest_momentum(self) -> float:
        """The momentum by which the default range of base_lr is scaled, and which decides whether a buffer is kept."""
        if self.name != "sgd":
            return 0.0
        return self.momentum.high if isinstance(self.momentum, SettingRange) else self.momentum

    def searched(self) -> dict[str, SettingRange]:
        """Return the settings that are searched rather than fixed."""
        return {k: v for k in SEARCHABLE if isinstance(v := getattr(self, k), SettingRange)}


class SearchConfig(Table):
    """`[search]`: over what, by what, and how much."""

    families: tuple[str, ...] = Field(default_factory=default_families)
    trials: int = Field(100, ge=1, le=10_000_000)
    sampler: SamplerKind = "gp"
    pruner: PrunerKind = "rungs"
    replicates: int = Field(1, ge=1, le=10_000)

    @field_validator("families")
    @classmethod
    def _known(cls, families: tuple[str, ...]) -> tuple[str, ...]:
        for family in families:
            if family not in FAMILIES:
                raise ValueError(f"unknown family {family!r}{did_you_mean(family, FAMILIES)}")
        if not families or len(set(families)) < len(families):
            raise ValueError(f"families must be at least one, each named once, got {list(families)}")
        return families
