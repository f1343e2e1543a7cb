"""The tables of a study file: each a frozen value with its rules and defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from lrsearch.schedules import FAMILIES
from lrsearch.text import did_you_mean

MOST_EPOCHS = 10_000
_FEWEST_BLOCKS = 6


class Table(BaseModel):
    """A table of a study file: unknown keys are refused, and nothing in it changes."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse true and false where neither is meant; pydantic would read the numbers 1 and 0."""
        if isinstance(value, bool) and cls.model_fields[str(info.field_name)].annotation is not bool:
            raise ValueError(f"must not be true or false, got {str(value).lower()}")
        return value


def _shown_as_it_is(name: str) -> str:
    if not name.isprintable():
        raise ValueError(f"must hold no control characters, got {name!r}")
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


class OptimizerConfig(Table):
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


class SearchConfig(Table):
    """`[search]`: over what, by what, and how much."""

    families: tuple[str, ...] = Field(default_factory=lambda: tuple(FAMILIES))
    trials: int = Field(100, ge=1, le=10_000_000)
    sampler: Literal["gp", "tpe", "random", "qmc"] = "tpe"
    pruner: Literal["rungs", "median", "none"] = "rungs"
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


class ContrastsConfig(Table):
    """`contrasts` where not all pairs are planned: each family against one, or groups of families named beforehand."""

    against: str | None = None
    groups: dict[str, tuple[str, ...]] | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> ContrastsConfig:
        if (self.against is None) == (self.groups is None):
            raise ValueError("contrasts takes either against or groups")
        return self


class ClaimConfig(Table):
    """`[[plan.claims]]`: a claim made beforehand, tested as one contrast of the candidates' test curves.

    Attributes:
        text: the claim in words.
        weights: of the candidates' measures, whose weighted sum is the contrast.
        measure: "last" value, "rise" between two windows, or "log_roughness" within one.
        curve: of the test set: the "metric" or the "loss".
        windows: (first, last) epochs, counted from 1, in a run of `epochs`; other lengths keep the fractions.
        epochs: of the runs that the claim is made of.
        above, below: on which side of which value the contrast is claimed to lie; one of them.
        one_sided: whether nothing is asked about the other side.
        unit: of the contrast.
    """

    text: str = Field(min_length=1)
    weights: dict[str, float] = Field(min_length=1)
    measure: Literal["last", "rise", "log_roughness"] = "last"
    curve: Literal["metric", "loss"] = "metric"
    windows: tuple[tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]], ...] = ()
    epochs: int = Field(30, ge=1, le=MOST_EPOCHS)
    above: float | None = None
    below: float | None = None
    one_sided: bool = False
    unit: str = "points"

    @model_validator(mode="after")
    def _complete(self) -> ClaimConfig:
        if (self.above is None) == (self.below is None):
            raise ValueError("a claim takes either above or below")
        expected = {"last": 0, "rise": 2, "log_roughness": 1}[self.measure]
        if len(self.windows) != expected:
            raise ValueError(f"windows must be {expected} for the measure {self.measure!r}, got {len(self.windows)}")
        for first, last in self.windows:
            if not first <= last <= self.epochs:
                raise ValueError(f"a window must lie within epochs 1 to {self.epochs}, got {first} to {last}")
        return self

    @property
    def sign(self) -> float:
        """1 where the contrast is claimed to lie above its limit, -1 where below."""
        return 1.0 if self.above is not None else -1.0

    @property
    def limit(self) -> float:
        """The value that the contrast is tested against."""
        return self.above if self.above is not None else self.below or 0.0


class PlanConfig(Table):
    """`[plan]`: what is decided before anything runs.

    `looks` are the numbers of blocks after which an analysis is planned, where that is more than one: each has its
    equal share of alpha. `tuning_efforts` are tuning budgets, in trials of a family, below the search's: the winner of
    every family's first so many trials is confirmed too.
    """

    alpha: float = Field(0.05, gt=0, lt=1)
    rope: float = Field(0.3, ge=0)
    blocks: int = Field(20, ge=1, le=100_000)
    looks: tuple[Annotated[int, Field(ge=_FEWEST_BLOCKS)], ...] = ()
    tuning_efforts: tuple[Annotated[int, Field(ge=1)], ...] = ()
    contrasts: Literal["all"] | ContrastsConfig = "all"
    claims: tuple[ClaimConfig, ...] = ()

    @field_validator("claims", mode="before")
    @classmethod
    def _none_of_an_earlier_version(cls, claims: Any) -> Any:
        return () if claims is None else claims

    @model_validator(mode="before")
    @classmethod
    def _blocks_of_the_last_analysis(cls, data: Any) -> Any:
        looks = data.get("looks") if isinstance(data, Mapping) else None
        return {"blocks": looks[-1], **data} if isinstance(looks, list | tuple) and looks else data

    @model_validator(mode="after")
    def _rise(self) -> PlanConfig:
        for name in ("looks", "tuning_efforts"):
            numbers = getattr(self, name)
            if list(numbers) != sorted(set(numbers)):
                raise ValueError(f"{name} must rise, got {list(numbers)}")
        if self.looks and self.blocks != self.looks[-1]:
            raise ValueError(f"blocks must be those of the last of looks, {self.looks[-1]}, got {self.blocks}")
        # The signs of so many blocks make 2 ** (blocks - 1) patterns, and p is the share of those as large, plus one.
        if self.looks and (least := 1 / (1 + 2 ** (self.looks[0] - 1))) > self.alpha_per_analysis:
            raise ValueError(
                f"looks must begin later: no p-value of {self.looks[0]} blocks is below {least:.3g}, and each of "
                f"{len(self.looks)} analyses has {self.alpha_per_analysis:.3g}"
            )
        return self

    @property
    def alpha_per_analysis(self) -> float:
        """The family-wise error rate that one analysis may have."""
        return self.alpha / max(1, len(self.looks))
