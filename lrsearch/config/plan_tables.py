"""`[plan]` of a study file: contrasts, claims, and what is decided before anything runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from lrsearch.config.study_tables import MOST_EPOCHS, Table
from lrsearch.metric import Metric
from lrsearch.schedules import reads_metric
from lrsearch.text import did_you_mean

_FEWEST_BLOCKS = 6


class ContrastsConfig(Table):
    """`contrasts` where not all pairs are planned: each family against one, or groups of families named beforehand."""

    against: str | None = None
    groups: dict[str, tuple[str, ...]] | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> ContrastsConfig:
        if (self.against is None) == (self.groups is None):
            raise ValueError("contrasts takes either against or groups")
        return self

    def check_members(self, compared: Collection[str]) -> None:
        """Raise ValueError unless each name is one of the `compared` families and baselines, and reads no metric."""
        members = [self.against] if self.against else [name for group in (self.groups or {}).values() for name in group]
        for name in members:
            if name not in compared:
                raise ValueError(f"plan.contrasts: unknown family or baseline {name!r}{did_you_mean(name, compared)}")
            if reads_metric(name):
                raise ValueError(f"plan.contrasts: {name} reads a metric and is not compared")


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
    every family's first trials, as many as each says, is confirmed too.
    """

    alpha: float = Field(0.05, gt=0, lt=1)
    rope: float | None = Field(None, ge=0)
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
        # The signs of the blocks make 2 ** (blocks - 1) patterns, and p is the share of those as large, plus one.
        if self.looks and (least := 1 / (1 + 2 ** (self.looks[0] - 1))) > self.alpha_per_analysis:
            raise ValueError(
                f"looks must begin later: no p-value of {self.looks[0]} blocks is below {least:.3g}, and each of "
                f"{len(self.looks)} analyses has {self.alpha_per_analysis:.3g}"
            )
        return self

    def rope_for(self, metric: Metric) -> float | None:
        """Return the difference that would not matter; None where none is stated and the metric has no usual one."""
        return metric.default_rope if self.rope is None else self.rope

    @property
    def alpha_per_analysis(self) -> float:
        """The family-wise error rate that one analysis may have."""
        return self.alpha / max(1, len(self.looks))
