"""What a model owes the stack: all lanes' parameters in one flat matrix, and their gradients in another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Protocol, TypeAlias

import torch
from torch import Tensor

Way: TypeAlias = Literal["plain", "stacked"]
"""How lanes of a module train: one at a time by plain autograd, or side by side. It is chosen once for a study."""


class StackedModel(Protocol):
    """N copies of one architecture, trained side by side without knowing of each other.

    The state of lane n is row n of `params[N, size]`. Its first `trainable` columns are parameters, which the optimizer
    updates; the columns behind them are buffers (such as running means), which `loss_and_grad` updates in place.
    """

    size: int
    trainable: int
    stackable: bool
    """False where lanes run one at a time; then N is always 1."""
    gains_from_shared_batches: bool
    """Whether lanes in the same epoch of the same order are faster by themselves than all lanes with own batches."""
    draws: bool
    """Whether a step draws random numbers, such as those of dropout."""

    def init(self, seed: int) -> Tensor:
        """Return the initial state `[size]` drawn from `seed`, on the CPU."""
        ...

    def loss_and_grad(
        self, params: Tensor, x: Tensor, y: Tensor, generators: Sequence[torch.Generator] = (), /
    ) -> tuple[Tensor, Tensor]:
        """Return each lane's mean loss `[N]` on its batch and the gradient `[N, trainable]` of that loss.

        Args:
            params: `[N, size]`.
            x: stored (not yet transformed) items, `[1, B, *item]` shared by all lanes or `[N, B, *item]`.
            y: labels, `[1, B]` or `[N, B]` to match.
            generators: of each lane, for what draws random numbers side by side.
        """
        ...

    def predict(self, params: Tensor, x: Tensor) -> Tensor | list[Any]:
        """Return the outputs `[N, B, ...]` in evaluation mode for items `[1, B, *item]`, or a list of each lane's."""
        ...


class NormalisedModel(StackedModel, Protocol):
    """A model that may normalise by running statistics in evaluation."""

    keeps_statistics: bool
    """Whether it does: BatchNorm."""

    def take_statistics(
        self, params: Tensor, x: Tensor, share: float, generators: Sequence[torch.Generator] = (), /
    ) -> None:
        """Let a batch enter the running statistics in place, in training mode and without a step.

        Args:
            params: `[N, size]`.
            x: stored items, `[1 or N, B, *item]`.
            share: of the batch in the statistics, 1 to forget those before.
            generators: as in `loss_and_grad`.
        """
        ...
