"""Where a lane of a stack stands: its row of the matrix of parameters, and its rows of the optimizer's state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from lrsearch.schedules import schedule_free_shape
from lrsearch.training.lane import Checkpoint, EpochMetrics, Lane
from lrsearch.training.optimizers.rule import OptimizerSettings, UpdateRule


@dataclass(eq=False)
class Row:
    """A lane with its optimizer, and what an epoch of it changes: `params[size]` and tensors `state[trainable]`.

    `fitted` are the examples that it reads, an index into the data set.
    """

    lane: Lane
    fitted: Tensor
    rule: UpdateRule
    settings: OptimizerSettings
    params: Tensor
    state: list[Tensor]
    epoch: int = 0
    select_loss: list[float] = field(default_factory=list)

    @classmethod
    def begun(cls, lane: Lane, fitted: Tensor, rule: UpdateRule, params: Tensor, trainable: int) -> Row:
        """Return a lane at its first step.

        Args:
            lane: what is trained.
            fitted: the examples that it reads.
            rule: of the stack; a schedule that is Schedule-Free has its own.
            params: the initial state `[size]`.
            trainable: how many of its columns are parameters.
        """
        rule, settings = _optimizer_of(lane, rule)
        return cls(lane, fitted, rule, settings, params, rule.initial_state(params[:trainable]))

    @classmethod
    def resumed(
        cls,
        lane: Lane,
        fitted: Tensor,
        rule: UpdateRule,
        saved: Checkpoint,
        device: torch.device,
        dtype: torch.dtype,
    ) -> Row:
        """Return a lane where its checkpoint left it."""
        rule, settings = _optimizer_of(lane, rule)
        params, *state = (tensor.to(device, dtype) for tensor in (saved.params, *saved.state))
        return cls(lane, fitted, rule, settings, params, state, saved.epoch, list(saved.select_loss))

    @property
    def phase(self) -> tuple[int, int, int]:
        """Equal for rows that read the same batches."""
        return self.lane.order_seed, self.epoch, id(self.fitted)

    def checkpoint(self) -> Checkpoint:
        """Return where the lane stands after its last epoch, on the CPU."""
        state = tuple(tensor.cpu().clone() for tensor in self.state)
        return Checkpoint(self.params.cpu().clone(), state, self.epoch, tuple(self.select_loss))

    def copied(self) -> Row:
        """Return a copy, which an epoch may change."""
        return replace(self, select_loss=[*self.select_loss])

    def settled(self, values: Mapping[str, float]) -> EpochMetrics:
        """Count the epoch and return what it has left; `values` are "train", "select loss", "more NAME" ..."""
        loss = {name.removesuffix(" loss"): value for name, value in values.items() if name.endswith(" loss")}
        score = {name.removesuffix(" score"): value for name, value in values.items() if name.endswith(" score")}
        more = {name.removeprefix("more "): value for name, value in values.items() if name.startswith("more ")}
        self.epoch += 1
        self.select_loss.append(loss.get("select", float("nan")))
        return EpochMetrics(self.epoch, values["train"], loss, score, more=more)


def _optimizer_of(lane: Lane, rule: UpdateRule) -> tuple[UpdateRule, OptimizerSettings]:
    shape = schedule_free_shape(lane.schedule)
    if shape is None:
        return rule, lane.settings
    return rule.as_schedule_free(), replace(lane.settings, interpolation=shape.interpolation)
