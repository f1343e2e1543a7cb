"""SGD, Adam and AdamW for all lanes at once: every lane has its own rate and its own settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

OPTIMIZERS = ("sgd", "adam", "adamw")
"""The names that a study file's `optimizer.name` takes."""


@dataclass(frozen=True)
class OptimizerSettings:
    """One lane's numbers besides the learning rate; names and defaults are PyTorch's."""

    momentum: float = 0.0
    weight_decay: float = 0.0
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8


SETTINGS = ("momentum", "weight_decay", "beta1", "beta2", "eps")


def settings_columns(settings: Sequence[OptimizerSettings], like: Tensor) -> dict[str, Tensor]:
    """Return each setting as one column `[N, 1]`, of the type and on the device of `like`."""
    return {
        name: torch.tensor([getattr(s, name) for s in settings], dtype=like.dtype, device=like.device).unsqueeze(1)
        for name in SETTINGS
    }


@dataclass(frozen=True)
class UpdateRule:
    """The part of an optimizer that all lanes of a stack share; it decides which tensors exist.

    Attributes:
        name: "sgd", "adam" or "adamw".
        nesterov: SGD only; needs momentum.
        uses_momentum: whether any lane has momentum, so that SGD keeps a buffer.
        uses_decay: whether any lane has weight decay.
    """

    name: str = "sgd"
    nesterov: bool = False
    uses_momentum: bool = False
    uses_decay: bool = False

    def __post_init__(self) -> None:
        if self.name not in OPTIMIZERS:
            raise ValueError(f"optimizer must be one of {', '.join(OPTIMIZERS)}, got {self.name!r}")

    @property
    def state_count(self) -> int:
        """How many tensors `[N, P]` of state the rule keeps, all zero for a new lane."""
        return int(self.uses_momentum) if self.name == "sgd" else 2

    def update(
        self,
        params: Tensor,
        grad: Tensor,
        lr: Tensor,
        state: Sequence[Tensor],
        updates: Tensor,
        settings: Mapping[str, Tensor],
    ) -> None:
        """Take one step in place.

        Args:
            params: `[N, P]`, changed in place.
            grad: `[N, P]`.
            lr: `[N, 1]`, this step's rates.
            state: `state_count` tensors `[N, P]`, changed in place.
            updates: `[N, 1]`, how many updates each lane has had, this one included.
            settings: the columns of `settings_columns`.
        """
        if self.uses_decay and self.name == "adamw":
            params.sub_(lr * settings["weight_decay"] * params)
        elif self.uses_decay:
            grad = grad + settings["weight_decay"] * params
        if self.name == "sgd":
            params.sub_(lr * self._momentum(grad, state, settings["momentum"]))
        else:
            params.sub_(lr * _adam(grad, state, updates, settings))

    def _momentum(self, grad: Tensor, state: Sequence[Tensor], momentum: Tensor) -> Tensor:
        """Return `buffer = momentum x buffer + gradient`, as torch.optim.SGD with dampening 0."""
        if not state:
            return grad
        buffer = state[0].mul_(momentum).add_(grad)
        return grad + momentum * buffer if self.nesterov else buffer


def _adam(grad: Tensor, state: Sequence[Tensor], updates: Tensor, settings: Mapping[str, Tensor]) -> Tensor:
    """Return the bias-corrected direction of Kingma and Ba, "Adam: a method for stochastic optimization" (2015)."""
    mean, square = state
    beta1, beta2 = settings["beta1"], settings["beta2"]
    mean.mul_(beta1).add_((1 - beta1) * grad)
    square.mul_(beta2).add_((1 - beta2) * grad * grad)
    scale = (square / (1 - beta2**updates)).sqrt() + settings["eps"]
    return mean / (1 - beta1**updates) / scale
