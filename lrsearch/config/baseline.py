"""The fixed schedules of a study file."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from lrsearch.config.study_tables import MOST_EPOCHS, Name
from lrsearch.schedules import PerEpoch, ReduceOnPlateau, Schedule, make_schedule


class BaselineConfig(BaseModel):
    """`[[baseline]]`: one fixed schedule under a name of its own; further keys are the schedule's parameters.

    `epochs` is the budget that its numbers are meant for: in a study of another length every boundary keeps its
    fraction of training. `momentum` and `weight_decay` are the optimizer's where the search samples those. `printed`
    holds published numbers (train_loss, test_loss, accuracy), to be shown beside the measured ones.
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
            ValueError: if a parameter is unknown to the family or invalid.
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
