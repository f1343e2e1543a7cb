"""A schedule as `TrainingArguments` of transformers, refused where its curve would be another one.

Read from transformers 5.23, optimization.py and training_args.py: warm-up is linear from 0 (for warmup_stable_decay
from the final rate), `warmup_steps` counts updates from 1 on and is a fraction of training below 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lrsearch.config import OptimizerConfig
from lrsearch.export.document import Configuration
from lrsearch.export.frameworks import arguments_code, exact_or_nearest, refuse
from lrsearch.schedules import PerEpoch, ReduceOnPlateau, Schedule, Shape, reads_metric
from lrsearch.schedules.families import Cosine, CosineRestarts, Linear, Polynomial, SquareRoot, WarmupStableDecay
from lrsearch.schedules.family import FloatArray
from lrsearch.schedules.parameters import Span

_LIBRARY = "transformers"


def hf_arguments(configuration: Configuration, *, approximate: bool = False) -> tuple[dict[str, Any], str]:
    """Return keyword arguments of `transformers.TrainingArguments` (version 5) that give the schedule.

    With them go the batch size, the optimizer where transformers has it, and the longest gradient, as in the trial of a
    workload; nothing is known of those of a run.

    Returns:
        The arguments, and how their curve differs, which is "" unless it is approximate.

    Raises:
        InputError: if transformers has no such curve, or with `approximate` none like it; the message says what
            differs.
    """
    schedule, note = configuration.to_schedule(), ""
    if isinstance(schedule, PerEpoch):
        refuse(_LIBRARY, schedule.family, "it steps at every update, and this schedule once an epoch")
    if isinstance(schedule, ReduceOnPlateau):
        scheduler = _plateau(schedule)
    else:
        scheduler, note = exact_or_nearest(schedule, _scheduler, _nearest, approximate=approximate)
    by_loss = reads_metric(schedule.family)
    arguments = {
        "learning_rate": schedule.base_lr,
        **scheduler,
        "warmup_steps": schedule.warmup_steps,
        "max_steps": schedule.total_steps,
        **({"eval_strategy": "epoch", "metric_for_best_model": "loss"} if by_loss else {}),
        **({} if configuration.training is None else _trained_as(configuration, configuration.training.batch_size)),
    }
    return arguments, note


def _trained_as(configuration: Configuration, batch: int | None) -> dict[str, Any]:
    """Return the arguments that repeat how lrsearch trained it: its longest gradient, batch size and optimizer."""
    return {
        "max_grad_norm": configuration.optimizer.clip_norm or 0.0,
        **({"per_device_train_batch_size": batch} if batch else {}),
        **_optimizer(configuration.optimizer),
    }


def hf_code(configuration: Configuration, *, approximate: bool = False) -> str:
    """Return a Python file with the dict TRAINING_ARGUMENTS.

    Raises:
        InputError: as `hf_arguments`.
    """
    arguments, note = hf_arguments(configuration, approximate=approximate)
    usage = ["transformers 5: TrainingArguments(output_dir=..., **TRAINING_ARGUMENTS), on one device."]
    if configuration.run is not None:
        usage.append("What else the run was trained with is its function's own; `parameters` (below) were searched.")
    elif configuration.training is None:
        usage.append("They hold the schedule alone.")
    elif "optim" not in arguments:
        usage.append("The trial's optimizer (below) is not among its arguments: Trainer(optimizers=(optimizer, None)).")
    elif configuration.optimizer.weight_decay and configuration.optimizer.no_decay is None:
        usage.append("It keeps weight decay from biases and normalisation layers; the trial decayed every parameter.")
    return arguments_code("TRAINING_ARGUMENTS", arguments, usage, note, configuration)


def _named(name: str, **arguments: Any) -> dict[str, Any]:
    return {"lr_scheduler_type": name, "lr_scheduler_kwargs": arguments}


def _plateau(schedule: ReduceOnPlateau) -> dict[str, Any]:
    if schedule.warmup_steps:
        refuse(_LIBRARY, schedule.family, f"its plateau has no warm-up, this one has {schedule.warmup_steps} steps")
    return _named("reduce_lr_on_plateau", factor=schedule.factor, patience=schedule.patience, min_lr=schedule.min_lr)


def _scheduler(schedule: Schedule) -> dict[str, Any]:
    if schedule.family not in _FAMILIES:
        refuse(_LIBRARY, schedule.family, "it has no such schedule")
    named, warms_up_from = _FAMILIES[schedule.family](schedule), _warms_up_from(schedule)
    if schedule.warmup_steps and schedule.warmup_begin_lr != warms_up_from:
        refuse(
            _LIBRARY,
            schedule.family,
            f"its warm-up begins at {warms_up_from:g}, this one's at {schedule.warmup_begin_lr:g}",
        )
    return named


def _warms_up_from(schedule: Schedule) -> float:
    return schedule.shape.final_lr if isinstance(schedule.shape, WarmupStableDecay) else 0.0


def _nearest(schedule: Schedule) -> Schedule:
    """Return the schedule that transformers has beside this one: its own warm-up, whole waves, equal cycles to 0."""
    shape = schedule.shape
    if isinstance(shape, Cosine):
        shape = replace(shape, decay_steps=None)
    if isinstance(shape, CosineRestarts):
        shape = _HardRestarts(len(shape.constants(schedule.span)["CYCLE_STARTS"]) - 1)
    begin = _warms_up_from(schedule) if schedule.warmup_steps else schedule.warmup_begin_lr
    return replace(schedule, shape=shape, warmup_begin_lr=begin)


@dataclass(frozen=True)
class _HardRestarts(Shape):
    """The curve of transformers' cosine_with_restarts: equal cycles down to 0, which begin at the next whole step."""

    cycles: int

    family = "cosine_restarts"

    def factor(self, s: FloatArray, span: Span) -> FloatArray:
        """Return what its function computes."""
        progress = s / span.steps
        return np.where(progress >= 1.0, 0.0, (1.0 + np.cos(np.pi * (self.cycles * progress % 1.0))) / 2.0)


def _constant(schedule: Schedule) -> dict[str, Any]:
    return _named("constant_with_warmup" if schedule.warmup_steps else "constant")


def _linear(schedule: Schedule) -> dict[str, Any]:
    assert isinstance(schedule.shape, Linear)
    return _named("linear") if schedule.shape.final_lr == 0 else _power(schedule, schedule.shape.final_lr, 1.0)


def _polynomial(schedule: Schedule) -> dict[str, Any]:
    assert isinstance(schedule.shape, Polynomial)
    return _power(schedule, schedule.shape.final_lr, schedule.shape.power)


def _power(schedule: Schedule, final_lr: float, power: float) -> dict[str, Any]:
    if final_lr >= schedule.base_lr:
        refuse(_LIBRARY, schedule.family, f"its final rate must be below base_lr = {schedule.base_lr:g}")
    return _named("polynomial", lr_end=final_lr, power=power)


def _square_root(schedule: Schedule) -> dict[str, Any]:
    assert isinstance(schedule.shape, SquareRoot)
    return _named("inverse_sqrt", timescale=schedule.shape.timescale)


def _cosine(schedule: Schedule) -> dict[str, Any]:
    shape = schedule.shape
    assert isinstance(shape, Cosine)
    if shape.decay_steps not in (None, schedule.span.steps):
        refuse(
            _LIBRARY,
            schedule.family,
            f"its cosine ends with training after {schedule.span.steps} steps, this one after {shape.decay_steps:g}",
        )
    return _named("cosine") if shape.final_lr == 0 else _named("cosine_with_min_lr", min_lr=shape.final_lr)


def _cosine_restarts(schedule: Schedule) -> dict[str, Any]:
    shape, steps = schedule.shape, schedule.span.steps
    if isinstance(shape, _HardRestarts):
        return _named("cosine_with_restarts", num_cycles=shape.cycles)
    assert isinstance(shape, CosineRestarts)
    if shape.final_lr:
        refuse(_LIBRARY, schedule.family, f"its cycles end at 0, these at final_lr = {shape.final_lr:g}")
    if shape.cycle_mult != 1 and shape.first_cycle_steps < steps:
        refuse(_LIBRARY, schedule.family, f"its cycles are all equal, these grow by {shape.cycle_mult}")
    cycles = round(steps / shape.first_cycle_steps)
    if shape.first_cycle_steps != int(shape.first_cycle_steps) or cycles * shape.first_cycle_steps != steps:
        refuse(
            _LIBRARY,
            schedule.family,
            f"its cycles divide the {steps} steps after warm-up evenly, these begin every "
            f"{shape.first_cycle_steps:g} steps, at the nearest whole one",
        )
    # It finds the place in a cycle by a remainder, which rounding can push to the wrong side of a restart.
    if any(cycles * (cycle / cycles) % 1.0 for cycle in range(cycles)):
        refuse(_LIBRARY, schedule.family, f"with {cycles} cycles it misses a restart by a rounding")
    return _named("cosine_with_restarts", num_cycles=cycles)


def _warmup_stable_decay(schedule: Schedule) -> dict[str, Any]:
    shape = schedule.shape
    assert isinstance(shape, WarmupStableDecay)
    return _named(
        "warmup_stable_decay",
        num_decay_steps=shape.decay_steps,
        decay_type=shape.decay_shape,
        min_lr_ratio=shape.final_lr / schedule.base_lr,
    )


_FAMILIES: dict[str, Callable[[Schedule], dict[str, Any]]] = {
    "constant": _constant,
    "square_root": _square_root,
    "linear": _linear,
    "polynomial": _polynomial,
    "cosine": _cosine,
    "cosine_restarts": _cosine_restarts,
    "warmup_stable_decay": _warmup_stable_decay,
}


def _optimizer(optimizer: OptimizerConfig) -> dict[str, Any]:
    """Return its optimizer arguments, or none where it has no such optimizer by name."""
    if optimizer.name == "sgd" and not optimizer.nesterov:
        momentum = {"optim_args": f"momentum={optimizer.momentum!r}"} if optimizer.momentum else {}
        return {"optim": "sgd", **momentum, "weight_decay": optimizer.weight_decay}
    if optimizer.name == "adamw" or (optimizer.name == "adam" and not optimizer.weight_decay):
        betas = {"adam_beta1": optimizer.beta1, "adam_beta2": optimizer.beta2, "adam_epsilon": optimizer.eps}
        return {"optim": "adamw_torch", **betas, "weight_decay": optimizer.weight_decay}
    return {}
