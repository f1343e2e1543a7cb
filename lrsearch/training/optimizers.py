"""SGD, Adam and AdamW for all lanes at once: every lane has its own rate and its own settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lrsearch.training.parameter_groups import NO_FACTORS, ColumnFactors, NoDecay

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
        clip_norm: the gradient of a lane is scaled down to this Euclidean norm where it is longer; None for no limit.
        no_decay: "vectors" to keep weight decay from biases and normalisation layers; None to decay every parameter.
    """

    name: str = "sgd"
    nesterov: bool = False
    uses_momentum: bool = False
    uses_decay: bool = False
    clip_norm: float | None = None
    no_decay: NoDecay | None = None

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
        factors: ColumnFactors = NO_FACTORS,
    ) -> None:
        """Take one step in place.

        Args:
            params: `[N, P]`, changed in place.
            grad: `[N, P]`.
            lr: `[N, 1]`, this step's rates.
            state: `state_count` tensors `[N, P]`, changed in place.
            updates: `[N, 1]`, how many updates each lane has had, this one included.
            settings: the columns of `settings_columns`.
            factors: of the rate and of the weight decay, by parameter.
        """
        if self.clip_norm is not None:
            grad = grad * clip_factor(grad, self.clip_norm)
        if factors.rate is not None:
            lr = lr * factors.rate
        if self.uses_decay:
            decay = settings["weight_decay"] if factors.decay is None else settings["weight_decay"] * factors.decay
            if self.name == "adamw":
                params.mul_(1 - lr * decay)
            else:
                grad = torch.addcmul(grad, decay, params)
        if self.name == "sgd":
            direction = self._momentum(grad, state, settings["momentum"])
        else:
            direction = _adam(grad, state, updates, settings)
        params.addcmul_(lr, direction, value=-1)

    def _momentum(self, grad: Tensor, state: Sequence[Tensor], momentum: Tensor) -> Tensor:
        """Return `buffer = momentum x buffer + gradient`, as torch.optim.SGD with dampening 0."""
        if not state:
            return grad
        buffer = state[0].mul_(momentum).add_(grad)
        return torch.addcmul(grad, momentum, buffer) if self.nesterov else buffer


def clip_factor(grad: Tensor, clip_norm: float) -> Tensor:
    """Return what each row of `grad[N, P]` is multiplied by, `[N, 1]`, as torch.nn.utils.clip_grad_norm_ has it."""
    norm = torch.linalg.vector_norm(grad, dim=1, keepdim=True)
    return torch.clamp(clip_norm / (norm + 1e-6), max=1.0)


def _adam(grad: Tensor, state: Sequence[Tensor], updates: Tensor, settings: Mapping[str, Tensor]) -> Tensor:
    """Return the bias-corrected direction of Kingma and Ba, "Adam: a method for stochastic optimization" (2015)."""
    mean, square = state
    beta1, beta2 = settings["beta1"], settings["beta2"]
    mean.lerp_(grad, 1 - beta1)
    square.lerp_(grad.square(), 1 - beta2)
    scale = (square / (1 - beta2**updates)).sqrt_().add_(settings["eps"]).mul_(1 - beta1**updates)
    return torch.div(mean, scale, out=scale)
