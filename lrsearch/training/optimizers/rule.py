"""SGD, Adam and AdamW for all lanes at once: every lane has its own rate and its own settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, TypeAlias, get_args

import torch
from torch import Tensor

from lrsearch.config.study_tables import OptimizerConfig
from lrsearch.schedules import OptimizerKind
from lrsearch.training.optimizers.averaging import follow, schedule_free_average, schedule_free_step
from lrsearch.training.optimizers.parameter_groups import NO_FACTORS, ColumnFactors, NoDecay

Average: TypeAlias = Literal["ema"]


@dataclass(frozen=True)
class OptimizerSettings:
    """One lane's numbers besides the learning rate; names and defaults are PyTorch's.

    `ema_decay` is of an exponential average of the weights, and `interpolation` of Schedule-Free.
    """

    momentum: float = 0.0
    weight_decay: float = 0.0
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    ema_decay: float = 0.999
    interpolation: float = 0.9

    @classmethod
    def of(cls, config: OptimizerConfig, params: Mapping[str, Any] | None = None) -> OptimizerSettings:
        """Return the settings of a lane of a study; `params` hold those that are searched."""
        numbers = {name: getattr(config, name) for name in SETTINGS if name != "interpolation"}
        return cls(**numbers | {name: (params or {})[name] for name in config.searched()})


SETTINGS = tuple(field.name for field in fields(OptimizerSettings))


def settings_columns(settings: Sequence[OptimizerSettings], like: Tensor) -> dict[str, Tensor]:
    """Return each setting as one column `[N, 1]`, of the type and on the device of `like`."""
    return {
        name: torch.tensor([getattr(s, name) for s in settings], dtype=like.dtype, device=like.device).unsqueeze(1)
        for name in SETTINGS
    }


@dataclass(frozen=True)
class UpdateRule:
    """The part of an optimizer that lanes share which are trained together; it decides which tensors exist.

    Attributes:
        name: "sgd", "adam" or "adamw".
        nesterov: SGD only; needs momentum.
        uses_momentum: whether any lane has momentum, so that SGD keeps a buffer.
        uses_decay: whether any lane has weight decay.
        clip_norm: the gradient of a lane is scaled down to this Euclidean norm where it is longer; None for no limit.
        no_decay: "vectors" to keep weight decay from biases and normalisation layers; None to decay every parameter.
        average: "ema" to judge lanes by an exponential average of their weights; None to judge them as they are.
        schedule_free: Schedule-Free SGD or AdamW in place of the rule; neither momentum nor `average` counts then.
    """

    name: str = "sgd"
    nesterov: bool = False
    uses_momentum: bool = False
    uses_decay: bool = False
    clip_norm: float | None = None
    no_decay: NoDecay | None = None
    average: Average | None = None
    schedule_free: bool = False

    def __post_init__(self) -> None:
        if self.name not in (names := get_args(OptimizerKind)):
            raise ValueError(f"optimizer must be one of {', '.join(names)}, got {self.name!r}")

    @classmethod
    def of(cls, config: OptimizerConfig) -> UpdateRule:
        """Return the rule of a study."""
        return cls(
            config.name,
            nesterov=config.nesterov,
            uses_momentum=config.largest_momentum > 0,
            uses_decay=bool(config.weight_decay),
            clip_norm=config.clip_norm,
            no_decay=config.no_decay,
            average=config.average,
        )

    def as_schedule_free(self) -> UpdateRule:
        """Return the rule of lanes beside these that train with Schedule-Free."""
        return replace(self, schedule_free=True, nesterov=False, uses_momentum=False, average=None)

    @property
    def averages(self) -> bool:
        """Whether lanes are judged by an average of their weights."""
        return self.schedule_free or self.average is not None

    @property
    def state_count(self) -> int:
        """How many tensors `[N, P]` of state the rule keeps."""
        of_adam = 1 if self.schedule_free else 2
        of_steps = int(self.uses_momentum) if self.name == "sgd" else of_adam
        return int(self.schedule_free) + of_steps + int(self.average is not None)

    def initial_state(self, params: Tensor) -> list[Tensor]:
        """Return the state of a new lane, each as `params[P]`: zeros, but for z of Schedule-Free, the weights."""
        zeros = [torch.zeros_like(params) for _ in range(self.state_count)]
        return [params.clone(), *zeros[1:]] if self.schedule_free else zeros

    def update(
        self,
        params: Tensor,
        grad: Tensor,
        lr: Tensor,
        state: Sequence[Tensor],
        updates: Tensor,
        settings: Mapping[str, Tensor],
        factors: ColumnFactors = NO_FACTORS,
        mix: Tensor | None = None,
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
            mix: `[N, 1]`, this step's of `mixing_weights`, which Schedule-Free needs.
        """
        if self.clip_norm is not None:
            grad = grad * clip_factor(grad, self.clip_norm)
        if factors.rate is not None:
            lr = lr * factors.rate
        decay = settings["weight_decay"] if factors.decay is None else settings["weight_decay"] * factors.decay
        if self.schedule_free:
            assert mix is not None
            z, *square = state
            direction = grad / _adam_scale(grad, square[0], updates, settings) if square else grad
            direction = torch.addcmul(direction, decay, params) if self.uses_decay else direction
            schedule_free_step(params, z, direction, lr, mix, settings["interpolation"])
            return
        if self.uses_decay and self.name == "adamw":
            params.mul_(1 - lr * decay)
        elif self.uses_decay:
            grad = torch.addcmul(grad, decay, params)
        if self.name == "sgd":
            direction = self._momentum(grad, state[: int(self.uses_momentum)], settings["momentum"])
        else:
            direction = _adam(grad, state, updates, settings)
        params.addcmul_(lr, direction, value=-1)
        if self.average is not None:
            follow(state[-1], params, updates, settings["ema_decay"])

    def averaged(self, params: Tensor, state: Sequence[Tensor], settings: Mapping[str, Tensor]) -> Tensor:
        """Return the weights `[N, P]` by which lanes of a rule that averages are judged."""
        if self.schedule_free:
            return schedule_free_average(params, state[0], settings["interpolation"])
        return state[-1]

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
    mean, square = state[:2]
    beta1 = settings["beta1"]
    mean.lerp_(grad, 1 - beta1)
    scale = _adam_scale(grad, square, updates, settings).mul_(1 - beta1**updates)
    return torch.div(mean, scale, out=scale)


def _adam_scale(grad: Tensor, square: Tensor, updates: Tensor, settings: Mapping[str, Tensor]) -> Tensor:
    """Return the root of the mean square of the gradients so far, to which this one is added, and epsilon."""
    beta2 = settings["beta2"]
    square.lerp_(grad.square(), 1 - beta2)
    return (square / (1 - beta2**updates)).sqrt_().add_(settings["eps"])
