"""The families: each a frozen class that is all the package knows of it. A new one is a class, and a line in FAMILIES.

Owns their formulas and ranges. May import the rest of schedules. Begin with decays.py.

In the formulas s = 0 .. n counts steps after warm-up, n is their number, x = s / n and r = final_lr / base_lr.
"""

from lrsearch.schedules.families.constant import Constant, PowerCooldown, WarmupStableDecay
from lrsearch.schedules.families.cosines import Cosine, CosineRestarts, OneCycle
from lrsearch.schedules.families.decays import Exponential, InversePower, Linear, Polynomial, Rex, SquareRoot
from lrsearch.schedules.families.drops import MultiStep, Step
from lrsearch.schedules.families.plateau import ReduceOnPlateau
from lrsearch.schedules.families.schedule_free import ScheduleFree, schedule_free_shape
from lrsearch.schedules.families.spline import Spline
from lrsearch.schedules.family import Family

FAMILIES: dict[str, type[Family]] = {
    "constant": Constant,
    "square_root": SquareRoot,
    "exponential": Exponential,
    "step": Step,
    "multistep": MultiStep,
    "linear": Linear,
    "polynomial": Polynomial,
    "cosine": Cosine,
    "cosine_restarts": CosineRestarts,
    "one_cycle": OneCycle,
    "warmup_stable_decay": WarmupStableDecay,
    "rex": Rex,
    "reduce_on_plateau": ReduceOnPlateau,
    "inverse_power": InversePower,
    "power_cooldown": PowerCooldown,
    "spline": Spline,
    "schedule_free": ScheduleFree,
}
"""Every family by its name, in the order in which people see them."""

__all__ = [
    "FAMILIES",
    "Constant",
    "Cosine",
    "CosineRestarts",
    "Exponential",
    "InversePower",
    "Linear",
    "MultiStep",
    "OneCycle",
    "Polynomial",
    "PowerCooldown",
    "ReduceOnPlateau",
    "Rex",
    "ScheduleFree",
    "Spline",
    "SquareRoot",
    "Step",
    "WarmupStableDecay",
    "schedule_free_shape",
]
