"""What a model owes the stack: all lanes' parameters in one flat matrix, and their gradients in another."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor


class StackedModel(Protocol):
    """N copies of one architecture, trained side by side without knowing of each other.

    The state of lane n is row n of `params[N, size]`. Its first `trainable` columns are parameters, which the optimizer
    updates; the columns behind them are buffers (such as running means), which `loss_and_grad` updates in place.
    """

    size: int
    trainable: int
    stackable: bool
    """False when lanes must run one at a time (buffers, random layers); then N is always 1."""
    unstackable_reason: str
    """What makes it so, in words; empty where lanes are stacked."""

    def init(self, seed: int) -> Tensor:
        """Return the initial state `[size]` drawn from `seed`, on the CPU."""
        ...

    def loss_and_grad(self, params: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return each lane's mean loss `[N]` on its batch and the gradient `[N, trainable]` of that loss.

        Args:
            params: `[N, size]`.
            x: stored (not yet transformed) items, `[1, B, *item]` shared by all lanes or `[N, B, *item]`.
            y: labels, `[1, B]` or `[N, B]` to match.
        """
        ...

    def predict(self, params: Tensor, x: Tensor) -> Tensor:
        """Return the outputs `[N, B, ...]` in evaluation mode for items `[1, B, *item]`."""
        ...
