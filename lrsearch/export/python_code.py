"""A schedule as plain Python for PyTorch, without lrsearch: the formula of its family written out."""

from __future__ import annotations

from collections.abc import Iterator

from lrsearch.export.document import Configuration
from lrsearch.export.source_code import comments, constants, indented, joined, part_functions
from lrsearch.schedules import PerEpoch, Schedule

_WARMUP = """\
if step < WARMUP_STEPS:
    return WARMUP_BEGIN_LR + (BASE_LR - WARMUP_BEGIN_LR) * step / WARMUP_STEPS"""

_LAG = """\
if step == 0:
    return LAG_LR
step -= 1  # the loop that this comes from set the rate of epoch e after epoch e - 1"""

_GROUPS = '''\
def group_ratios(optimizer, ratios):
    """Return each parameter group's rate over the first one's (layer decay; 0 is frozen), or 1 where not `ratios`."""
    rates = [float(group["lr"]) for group in optimizer.param_groups]
    if ratios and rates[0] == 0:
        raise ValueError("the first parameter group's lr must be above 0, because the others keep their ratio to it")
    return [rate / rates[0] if ratios else 1.0 for rate in rates]


def set_rate(group, rate):
    """Set the rate of a parameter group; a tensor stays the same tensor."""
    if isinstance(group["lr"], torch.Tensor):
        group["lr"].fill_(rate)
    else:
        group["lr"] = rate'''

_SCHEDULER = '''\
def factor(step):
    """Return lr(step) over BASE_LR."""
    return lr(step) / BASE_LR


def make_scheduler(optimizer, ratios=True, last_epoch=-1):
    """Return a scheduler: the first parameter group gets lr(step), and each other keeps its ratio to the first.

    Call its step() after each {after}. With ratios=False every group gets lr(step); last_epoch continues as in torch.
    """
    for group, ratio in zip(optimizer.param_groups, group_ratios(optimizer, ratios)):
        group["initial_lr"] = BASE_LR * ratio
        set_rate(group, BASE_LR * ratio)
    return LambdaLR(optimizer, factor, last_epoch)'''


def python_code(configuration: Configuration) -> str:
    """Return a Python file with BASE_LR, TOTAL_STEPS and `make_scheduler(optimizer)`; it needs PyTorch alone.

    Where the schedule steps by the epoch, TOTAL_STEPS counts epochs and the scheduler is stepped once an epoch.
    A family that reads a metric becomes a scheduler with `step()` and `end_epoch(loss)`.
    """
    return joined(_lines(configuration))


def _lines(configuration: Configuration) -> Iterator[str]:
    schedule = configuration.to_schedule()
    code = _functions(schedule) if isinstance(schedule, Schedule | PerEpoch) else schedule.python
    yield f'"""The learning-rate schedule {schedule.family} for plain PyTorch: make_scheduler(optimizer)."""'
    yield ""
    if modules := [module for module in ("bisect", "math") if f"{module}." in code]:
        yield from (*(f"import {module}" for module in modules), "")
    yield from (
        "import torch",
        *(["from torch.optim.lr_scheduler import LambdaLR"] * ("LambdaLR" in code)),
        "",
    )
    yield from constants(schedule)
    yield from ("", "", _GROUPS, "", "", code, "", "")
    yield from comments(configuration)


def _functions(schedule: Schedule | PerEpoch) -> str:
    unit, after = ("epoch", "epoch") if isinstance(schedule, PerEpoch) else ("update", "optimizer.step()")
    return "\n".join(
        [
            *part_functions(schedule, "step", _rate),
            "def lr(step):",
            f'    """Return the rate used by {unit} `step`, counted from 0; it stays after TOTAL_STEPS."""',
            *(indented(_LAG) if isinstance(schedule, PerEpoch) and schedule.lag_lr is not None else ()),
            *indented("\n".join(_rate(schedule.schedule if isinstance(schedule, PerEpoch) else schedule))),
            "",
            "",
            _SCHEDULER.format(after=after),
        ]
    )


def _rate(schedule: Schedule) -> Iterator[str]:
    """Yield the lines that return the rate of `step`."""
    if schedule.warmup_steps:
        yield from _WARMUP.splitlines()
    yield "s, n = min(step, TOTAL_STEPS) - WARMUP_STEPS, TOTAL_STEPS - WARMUP_STEPS"
    yield from schedule.shape.python.splitlines()
