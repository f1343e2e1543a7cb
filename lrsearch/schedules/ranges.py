"""The ranges in which a family is searched: its priors for a run, and what a study file may change in them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import replace
from numbers import Real
from typing import Any, Literal, TypeAlias, get_args

from lrsearch.errors import InputError
from lrsearch.schedules.build import family_class
from lrsearch.schedules.families import FAMILIES
from lrsearch.schedules.parameters import require_known
from lrsearch.schedules.priors import BASE_LR, Choice, Prior, Range
from lrsearch.schedules.sample import schedule_from_sample

_MOST_CHOICES = 50
OptimizerKind: TypeAlias = Literal["sgd", "adam", "adamw"]
"""The optimizers of lrsearch, by whose steps default ranges of rates are scaled."""


def resolve_ranges(
    family: str,
    overrides: Mapping[str, Any],
    *,
    total_steps: int,
    epochs: int,
    momentum: float,
    optimizer: str = "sgd",
) -> dict[str, Range | Choice]:
    """Return the ranges of a family with those of a study file put in place of the defaults.

    Args:
        family: one of FAMILIES.
        overrides: parameter -> {"low", "high", "log"} or {"choices"} for all families, and family -> such a mapping
            for one. What is left out keeps its default. Bounds count in the unit of the default; rates are taken as
            they are at every momentum. The default bounds of final_lr keep their ratio to those of base_lr,
            whose default range for Adam begins where a given range of final_lr ends, if that is higher.
        total_steps: the length of training in the schedule's steps.
        epochs: the length of training in epochs.
        momentum: 0 <= momentum < 1; default ranges of rates shrink as 1 - momentum.
        optimizer: "sgd", "adam" or "adamw"; the default ranges of rates of the last two are a hundredth of the first's.

    Raises:
        InputError: for an unknown name, a range that is none, or one from which a schedule cannot be built.

    >>> overrides = {"final_lr": {"high": 0.001}, "linear": {"warmup_steps": {"low": 0.05}}}
    >>> resolve_ranges("linear", overrides, total_steps=1000, epochs=10, momentum=0.0)["warmup_steps"]
    Range(low=50, high=100, log=False, integer=True)
    """
    priors = dict(family_class(family).priors())
    check_overrides(overrides)
    scale = rate_scale(optimizer, momentum)
    for name, prior in priors.items():
        if isinstance(prior, Prior) and prior.unit == "rate":
            base = priors["base_lr"]
            assert isinstance(base, Prior)
            scaled = name == "base_lr"
            prior = _scaled(prior, scale, overrides, optimizer) if scaled else _beside(prior, base)
        for override in (overrides.get(name), overrides.get(family, {}).get(name)):
            prior = _overridden(name, prior, override or {})
        priors[name] = prior
    ranges = {
        name: prior if isinstance(prior, Choice) else _resolved(name, prior, total_steps, epochs)
        for name, prior in priors.items()
    }
    _check_corners(family, ranges, total_steps)
    return ranges


def rate_scale(optimizer: str, momentum: float) -> float:
    """Return what the default bounds of base_lr, which are those of SGD without momentum, are multiplied by.

    The size of a step of SGD along a steady gradient is lr / (1 - momentum); a step of Adam is about lr at every
    gradient, and a hundredth of SGD's range holds the rates that are used with it.

    Raises:
        InputError: unless 0 <= momentum < 1, or for another optimizer.
    """
    if not isinstance(momentum, Real) or not 0.0 <= momentum < 1.0:
        raise InputError(f"momentum must be >= 0 and < 1, got {momentum!r}")
    if optimizer not in (names := get_args(OptimizerKind)):
        raise InputError(f"optimizer must be one of {', '.join(names)}, got {optimizer!r}")
    return 1.0 - momentum if optimizer == "sgd" else 0.01


def _scaled(prior: Prior, scale: float, overrides: Mapping[str, Any], optimizer: str) -> Prior:
    """Return base_lr's prior for an optimizer; that of Adam begins no lower than a range of final_lr, if given, ends.

    Studies of Adam that give final_lr alone were made when the default range of base_lr was that of SGD.
    """
    low, high = prior.low * scale, prior.high * scale
    given = overrides.get("final_lr", {}).get("high")
    if optimizer != "sgd" and isinstance(given, int | float) and low < given < high:
        low = given
    return _between(prior, low, high)


def _beside(prior: Prior, base: Prior) -> Prior:
    """Return a rate's prior in its ratio to base_lr's, each bound to the same bound, and never above base_lr."""
    if base.low <= 0:
        raise InputError(f"ranges: low of base_lr must be > 0, got {base.low}")
    low, high = (prior.low / BASE_LR.low * base.low, prior.high / BASE_LR.high * base.high)
    return _between(prior, low, min(high, base.low))


def _between(prior: Prior, low: float, high: float) -> Prior:
    """Return a prior of other bounds, to twelve digits, so that momentum 0.9 gives 0.001 and not 0.00099...98."""
    return replace(prior, low=float(f"{low:.12g}"), high=float(f"{high:.12g}"))


def check_overrides(overrides: Mapping[str, Any]) -> None:
    """Raise InputError, naming what is known, for a name in `overrides` that is neither a parameter nor a family."""
    searched = dict.fromkeys(name for family in FAMILIES.values() for name in family.priors())
    for name, override in overrides.items():
        if name not in searched and name not in FAMILIES:
            choices = f"the parameters are {', '.join(searched)}; the families are {', '.join(FAMILIES)}"
            raise InputError(f"ranges: unknown name {name!r}; {choices}")
        if not isinstance(override, Mapping):
            raise InputError(f"ranges: {name} must be a table such as {{low = ..., high = ...}}, got {override!r}")
        if name in FAMILIES:
            require_known(f"ranges: {name}", override, FAMILIES[name].priors())
            check_overrides(override)


def _overridden(name: str, prior: Prior | Choice, override: Mapping[str, Any]) -> Prior | Choice:
    keys = ("choices",) if isinstance(prior, Choice) else ("low", "high", "log")
    for key in override:
        if key not in keys:
            raise InputError(f"ranges: {name} takes {', '.join(keys)}; got {key!r}")
    if isinstance(prior, Choice):
        choices = override.get("choices", prior.choices)
        if not isinstance(choices, list | tuple) or not choices:
            raise InputError(f"ranges: choices of {name} must be a list of at least one value, got {choices!r}")
        if len(choices) > _MOST_CHOICES:
            raise InputError(f"ranges: choices of {name} must be at most {_MOST_CHOICES}, got {len(choices)}")
        return Choice(tuple(choices))
    merged = replace(prior, **override)
    if merged.low == 0 and merged.unit == "rate" and name != "base_lr" and "log" not in override:
        merged = replace(merged, log=False)  # a rate may end at 0, which no logarithm reaches
    for key, bound in (("low", merged.low), ("high", merged.high)):
        if isinstance(bound, bool) or not isinstance(bound, Real) or not math.isfinite(bound):
            raise InputError(f"ranges: {key} of {name} must be a finite number, got {bound!r}")
    if not isinstance(merged.log, bool):
        raise InputError(f"ranges: log of {name} must be true or false, got {merged.log!r}")
    if merged.low > merged.high:
        raise InputError(f"ranges: low of {name} must not exceed high, got low = {merged.low}, high = {merged.high}")
    if merged.log and merged.low <= 0:
        raise InputError(f"ranges: low of {name} must be > 0 where log = true, got {merged.low}")
    if merged.unit == "fraction_of_T" and not 0 <= merged.low <= merged.high <= 1:
        raise InputError(
            f"ranges: {name} counts as a fraction of total_steps, from 0 to 1, got {merged.low} .. {merged.high}"
        )
    if merged.integer and merged.unit != "fraction_of_T" and (merged.low % 1 or merged.high % 1):
        raise InputError(f"ranges: {name} takes whole numbers, got {merged.low} .. {merged.high}")
    if not merged.least <= merged.low <= merged.high <= merged.most:
        bounds = f"{merged.least:g} .. {merged.most:g}"
        raise InputError(f"ranges: {name} must lie in {bounds}, got {merged.low} .. {merged.high}")
    return merged


def _resolved(name: str, prior: Prior, total_steps: int, epochs: int) -> Range:
    """Return the range in steps, epochs or plain numbers of a run."""
    low, high = prior.low, prior.high
    if prior.unit == "fraction_of_T":
        # A count of steps is at least 1; no warm-up at all is a schedule, too, and one step must remain behind it.
        least, most = (int(prior.log), total_steps - 1) if name == "warmup_steps" else (1, total_steps)
        low, high = (min(max(round(bound * total_steps), least), most) for bound in (low, high))
    elif prior.unit == "epochs":
        low, high = (min(bound, epochs) for bound in (low, high))
    if prior.integer:
        low, high = int(low), int(high)
    if prior.log and low <= 0:
        raise InputError(f"ranges: {name} with log = true needs a run of more than {total_steps} steps")
    return Range(low, high, prior.log, prior.integer)


def _check_corners(family: str, ranges: Mapping[str, Range | Choice], total_steps: int) -> None:
    """Raise InputError where some corner of the ranges is not a schedule: every rule is a bound, so corners suffice."""
    ends = [span.choices if isinstance(span, Choice) else (span.low, span.high) for span in ranges.values()]
    for corner in itertools.product(*ends):
        sample = dict(zip(ranges, corner, strict=True))
        try:
            schedule_from_sample(family, sample, total_steps=total_steps, steps_per_epoch=1)
        except InputError as error:
            raise InputError(
                f"ranges of {family} reach values that make no schedule: {error}; change the range, or leave {family} "
                "out of the families"
            ) from error
