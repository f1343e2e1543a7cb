"""A schedule as plain Python for PyTorch, without lrsearch: the formula of each family written out."""

from __future__ import annotations

from collections.abc import Iterator

from lrsearch.export.document import Configuration
from lrsearch.export.source_code import comments, constants, cycle_starts, inner, joined, peak_step
from lrsearch.schedules import PerEpoch, ReduceOnPlateau, Schedule
from lrsearch.schedules.shapes import Cosine, CosineRestarts, OneCycle

_DECAYS = {
    "linear": "1 - y",
    "cosine": "(1 + math.cos(math.pi * y)) / 2",
    "1-sqrt": "1 - math.sqrt(y)",
}

_RATES = {
    "constant": "return BASE_LR",
    "square_root": "return BASE_LR / math.sqrt(1 + s / TIMESCALE)",
    "exponential": "return BASE_LR * (FINAL_LR / BASE_LR) ** (s / n)",
    "step": "return BASE_LR * GAMMA ** (math.ceil((s + 0.5) / STEP_SIZE) - 1)",
    "multistep": "return BASE_LR * GAMMA ** bisect.bisect_right(MILESTONES, WARMUP_STEPS + s)",
    "linear": "return FINAL_LR + (BASE_LR - FINAL_LR) * (1 - s / n)",
    "polynomial": "return FINAL_LR + (BASE_LR - FINAL_LR) * (1 - s / n) ** POWER",
    "cosine": ("return FINAL_LR + (BASE_LR - FINAL_LR) * (1 + math.cos(math.pi * min(s / DECAY_STEPS, 1))) / 2"),
    "cosine_restarts": """\
cycle = bisect.bisect_right(CYCLE_STARTS[:-1], s) - 1
start, end = CYCLE_STARTS[cycle], CYCLE_STARTS[cycle + 1]
return FINAL_LR + (BASE_LR - FINAL_LR) * (1 + math.cos(math.pi * (s - start) / (end - start))) / 2""",
    "one_cycle": """\
first, last = BASE_LR / DIV_FACTOR, BASE_LR / (DIV_FACTOR * FINAL_DIV_FACTOR)
if s < PEAK_STEP:
    return first + (BASE_LR - first) * (1 - math.cos(math.pi * s / PEAK_STEP)) / 2
return last + (BASE_LR - last) * (1 + math.cos(math.pi * (s - PEAK_STEP) / max(n - PEAK_STEP, 1))) / 2""",
    "warmup_stable_decay": """\
y = max(s - (n - DECAY_STEPS), 0) / DECAY_STEPS
return FINAL_LR + (BASE_LR - FINAL_LR) * ({decay})""",
    "rex": "return FINAL_LR + (BASE_LR - FINAL_LR) * (1 - s / n) / (1 - s / n * (1 - BETA))",
}

_WARMUP = """\
    if step < WARMUP_STEPS:
        return WARMUP_BEGIN_LR + (BASE_LR - WARMUP_BEGIN_LR) * step / WARMUP_STEPS"""

_LAG = """\
    if step == 0:
        return LAG_LR
    step -= 1  # the loop that this comes from set the rate of epoch e after epoch e - 1"""

_SCHEDULER = '''\
def make_scheduler(optimizer):
    """Return a scheduler for the optimizer, whatever rate it has; call its step() after each {after}."""
    for group in optimizer.param_groups:
        group["lr"] = group["initial_lr"] = BASE_LR
    return LambdaLR(optimizer, lambda step: lr(step) / BASE_LR)'''

_PLATEAU = '''\
class Scheduler:
    """Call step() after each optimizer.step(), and end_epoch(loss) with the validation loss after each epoch."""

    def __init__(self, optimizer):
        self.optimizer = optimizer
        self.updates, self.level, self.best, self.bad_epochs = 0, BASE_LR, math.inf, 0
        self._set_rate()

    def step(self):
        self.updates += 1
        self._set_rate()

    def end_epoch(self, loss):
        """Drop the rate after more than PATIENCE epochs in a row without a better loss; warm-up does not count."""
        if self.updates <= WARMUP_STEPS:
            return
        if loss < self.best * (1 - 1e-4):
            self.best, self.bad_epochs = loss, 0
        else:
            self.bad_epochs += 1
        if self.bad_epochs > PATIENCE:
            lower = max(self.level * FACTOR, MIN_LR)
            self.level = lower if self.level - lower > 1e-8 else self.level
            self.bad_epochs = 0
        self._set_rate()

    def state_dict(self):
        return {"updates": self.updates, "level": self.level, "best": self.best, "bad_epochs": self.bad_epochs}

    def load_state_dict(self, state):
        self.updates, self.level = state["updates"], state["level"]
        self.best, self.bad_epochs = state["best"], state["bad_epochs"]
        self._set_rate()

    def _set_rate(self):
        rate = self.level
        if self.updates < WARMUP_STEPS:
            rate = WARMUP_BEGIN_LR + (BASE_LR - WARMUP_BEGIN_LR) * self.updates / WARMUP_STEPS
        for group in self.optimizer.param_groups:
            group["lr"] = rate


def make_scheduler(optimizer):
    """Return a scheduler for the optimizer, whatever rate it has."""
    return Scheduler(optimizer)'''


def python_code(configuration: Configuration) -> str:
    """Return a Python file with BASE_LR, TOTAL_STEPS and `make_scheduler(optimizer)`; it needs PyTorch alone.

    Where the schedule steps by the epoch, TOTAL_STEPS counts epochs and the scheduler is stepped once an epoch.
    reduce_on_plateau becomes a scheduler with `step()` and `end_epoch(loss)`.
    """
    return joined(_lines(configuration))


def _lines(configuration: Configuration) -> Iterator[str]:
    schedule = configuration.to_schedule()
    shaped = inner(schedule)
    plateau = isinstance(shaped, ReduceOnPlateau)
    yield f'"""The learning-rate schedule {schedule.family} for plain PyTorch: make_scheduler(optimizer)."""'
    yield ""
    yield from comments(configuration)
    yield ""
    code = _PLATEAU if isinstance(shaped, ReduceOnPlateau) else _functions(schedule, shaped)
    imports = [f"import {module}" for module in ("bisect", "math") if f"{module}." in code]
    yield from (*imports, "") if imports else ()
    if not plateau:
        yield from ("from torch.optim.lr_scheduler import LambdaLR", "")
    yield from constants(configuration)
    if isinstance(shaped, Schedule):
        yield from _derived_constants(shaped)
    yield from ("", "")
    yield code


def _derived_constants(schedule: Schedule) -> Iterator[str]:
    shape = schedule.shape
    if isinstance(shape, Cosine) and shape.decay_steps is None:
        yield "DECAY_STEPS = TOTAL_STEPS - WARMUP_STEPS"
    if isinstance(shape, CosineRestarts):
        yield f"CYCLE_STARTS = {cycle_starts(shape, schedule.span.steps)!r}  # after warm-up; the last one is an end"
    if isinstance(shape, OneCycle):
        yield f"PEAK_STEP = {peak_step(shape, schedule.span.steps)!r}"


def _functions(schedule: Schedule | PerEpoch | ReduceOnPlateau, shaped: Schedule) -> str:
    per_epoch = isinstance(schedule, PerEpoch)
    decay = _DECAYS.get(str(getattr(shaped.shape, "decay_shape", "")), "")
    rate = _RATES[shaped.family].format(decay=decay)
    unit = "epoch" if per_epoch else "update"
    return "\n".join(
        [
            "def lr(step):",
            f'    """Return the rate used by {unit} `step`, counted from 0; it stays after TOTAL_STEPS."""',
            *([_LAG] if isinstance(schedule, PerEpoch) and schedule.lag_lr is not None else []),
            *([_WARMUP] if shaped.warmup_steps else []),
            "    s, n = min(step, TOTAL_STEPS) - WARMUP_STEPS, TOTAL_STEPS - WARMUP_STEPS",
            *(f"    {line}" for line in rate.splitlines()),
            "",
            "",
            _SCHEDULER.format(after="epoch" if per_epoch else "optimizer.step()"),
        ]
    )
