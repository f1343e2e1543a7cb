"""A schedule as Python source that builds an optax schedule, of optax's own parts wherever it has them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from lrsearch.errors import InputError
from lrsearch.export.document import Configuration
from lrsearch.export.source_code import comments, constants, cycle_starts, drops, inner, joined, peak_step
from lrsearch.schedules import PerEpoch, ReduceOnPlateau, Schedule
from lrsearch.schedules.shapes import Cosine, CosineRestarts, MultiStep, OneCycle, Step, WarmupStableDecay

_DECAY = "TOTAL_STEPS - WARMUP_STEPS"


def optax_code(configuration: Configuration) -> str:
    """Return a Python file with `make_schedule()`, which returns an optax schedule: an update's number to its rate.

    Where the schedule steps by the epoch, it is `make_schedule(steps_per_epoch)`.

    Raises:
        InputError: for reduce_on_plateau, whose rate is no function of the step.
    """
    return joined(_lines(configuration))


def _lines(configuration: Configuration) -> Iterator[str]:
    schedule = configuration.to_schedule()
    shaped = inner(schedule)
    if isinstance(shaped, ReduceOnPlateau):
        raise InputError(
            "optax cannot express reduce_on_plateau: its schedules are functions of the step, and this one reads the "
            "select loss; export --format python"
        )
    yield f'"""The learning-rate schedule {schedule.family} for optax: make_schedule()."""'
    yield ""
    yield from comments(configuration)
    yield from ("", "import jax.numpy as jnp", "import optax", "")
    yield from constants(configuration)
    yield from ("", "")
    yield f"def make_schedule({'steps_per_epoch' if isinstance(schedule, PerEpoch) else ''}):"
    yield '    """Return the schedule: the number of an update, counted from 0, to its learning rate."""'
    yield from (f"    {line}" for line in _SHAPES[shaped.family](shaped).splitlines())
    if shaped.warmup_steps:
        yield "    warm_up = optax.linear_schedule(WARMUP_BEGIN_LR, BASE_LR, WARMUP_STEPS)"
        yield "    schedule = optax.join_schedules([warm_up, schedule], [WARMUP_STEPS])"
    yield from (f"    {line}" for line in _result(schedule))


def _result(schedule: Schedule | PerEpoch | ReduceOnPlateau) -> list[str]:
    if not isinstance(schedule, PerEpoch):
        return ["return schedule"]
    if schedule.lag_lr is None:
        return ["return lambda count: schedule(count // steps_per_epoch)"]
    return [
        "# The loop that this comes from set the rate of epoch e after epoch e - 1.",
        "late = lambda count: schedule(jnp.maximum(count // steps_per_epoch - 1, 0))",
        "return lambda count: jnp.where(count < steps_per_epoch, LAG_LR, late(count))",
    ]


def _step(schedule: Schedule) -> str:
    shape = schedule.shape
    assert isinstance(shape, Step)
    if shape.step_size == int(shape.step_size):
        return f"schedule = optax.exponential_decay(BASE_LR, {int(shape.step_size)}, GAMMA, staircase=True)"
    return (
        f"drops = {drops(shape, schedule.span.steps)!r}  # steps after warm-up\n"
        "schedule = optax.piecewise_constant_schedule(BASE_LR, {at: GAMMA for at in drops})"
    )


def _multistep(schedule: Schedule) -> str:
    shape = schedule.shape
    assert isinstance(shape, MultiStep)
    times = {step - schedule.warmup_steps: count for step, count in Counter(shape.milestones).items()}
    return (
        f"drops = {times!r}  # steps after warm-up: how many milestones lie there\n"
        "schedule = optax.piecewise_constant_schedule(BASE_LR, {at: GAMMA**times for at, times in drops.items()})"
    )


def _cosine(schedule: Schedule) -> str:
    shape = schedule.shape
    assert isinstance(shape, Cosine)
    length = _DECAY if shape.decay_steps is None else "DECAY_STEPS"
    return f"schedule = optax.cosine_decay_schedule(BASE_LR, {length}, FINAL_LR / BASE_LR)"


def _cosine_restarts(schedule: Schedule) -> str:
    assert isinstance(schedule.shape, CosineRestarts)
    return (
        f"starts = {cycle_starts(schedule.shape, schedule.span.steps)!r}  # after warm-up; the last one is an end\n"
        "lengths = [end - start for start, end in zip(starts, starts[1:])]\n"
        "cycles = [optax.cosine_decay_schedule(BASE_LR, length, FINAL_LR / BASE_LR) for length in lengths]\n"
        "schedule = optax.join_schedules(cycles, starts[1:-1])"
    )


def _one_cycle(schedule: Schedule) -> str:
    assert isinstance(schedule.shape, OneCycle)
    peak = peak_step(schedule.shape, schedule.span.steps)
    fall = "" if peak == schedule.span.steps else ", TOTAL_STEPS: 1 / (DIV_FACTOR * FINAL_DIV_FACTOR)"
    return (
        f"scales = {{{peak}: DIV_FACTOR{fall}}}\n"
        'schedule = optax.piecewise_interpolate_schedule("cosine", BASE_LR / DIV_FACTOR, scales)'
    )


def _warmup_stable_decay(schedule: Schedule) -> str:
    assert isinstance(schedule.shape, WarmupStableDecay)
    decays = {
        "linear": "decay = optax.linear_schedule(BASE_LR, FINAL_LR, DECAY_STEPS)",
        "cosine": "decay = optax.cosine_decay_schedule(BASE_LR, DECAY_STEPS, FINAL_LR / BASE_LR)",
        "1-sqrt": (
            "decay = lambda count: FINAL_LR + (BASE_LR - FINAL_LR) * "
            "(1 - jnp.sqrt(jnp.clip(count / DECAY_STEPS, 0, 1)))"
        ),
    }
    return (
        f"{decays[schedule.shape.decay_shape]}\n"
        f"stable_steps = {_DECAY} - DECAY_STEPS\n"
        "schedule = optax.join_schedules([optax.constant_schedule(BASE_LR), decay], [stable_steps])"
    )


def _always(text: str) -> Callable[[Schedule], str]:
    return lambda _: text


_SHAPES: dict[str, Callable[[Schedule], str]] = {
    "constant": _always("schedule = optax.constant_schedule(BASE_LR)"),
    "square_root": _always("schedule = lambda count: BASE_LR / jnp.sqrt(1 + count / TIMESCALE)"),
    "exponential": _always(f"schedule = optax.exponential_decay(BASE_LR, {_DECAY}, FINAL_LR / BASE_LR)"),
    "step": _step,
    "multistep": _multistep,
    "linear": _always(f"schedule = optax.linear_schedule(BASE_LR, FINAL_LR, {_DECAY})"),
    "polynomial": _always(f"schedule = optax.polynomial_schedule(BASE_LR, FINAL_LR, POWER, {_DECAY})"),
    "cosine": _cosine,
    "cosine_restarts": _cosine_restarts,
    "one_cycle": _one_cycle,
    "warmup_stable_decay": _warmup_stable_decay,
    "rex": _always(
        f"x = lambda count: jnp.clip(count / ({_DECAY}), 0, 1)\n"
        "rest = lambda x: FINAL_LR + (BASE_LR - FINAL_LR) * (1 - x) / (1 - x * (1 - BETA))\n"
        "schedule = lambda count: rest(x(count))"
    ),
}
