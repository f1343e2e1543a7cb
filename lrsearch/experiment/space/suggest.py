"""A schedule from a trial of your own study: what a user's objective asks for."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

from optuna.trial import BaseTrial, FrozenTrial

from lrsearch.config.arguments import checked
from lrsearch.errors import InputError
from lrsearch.experiment.space.space import Space
from lrsearch.schedules import FAMILIES, AnySchedule, default_families, reads_metric, schedule_from_params

_MOST_STEPS = 10**12


@checked
def suggest_schedule(
    trial: BaseTrial,
    *,
    total_steps: int,
    families: Sequence[str] | None = None,
    ranges: Mapping[str, Any] | None = None,
    steps_per_epoch: int | None = None,
    momentum: float = 0.0,
    optimizer: str = "sgd",
    prefix: str = "",
) -> AnySchedule:
    """Suggest a schedule in your own objective, with any sampler.

    The trial gets the parameters `family`, `base_lr`, ... that the search itself uses.

    Args:
        trial: of the user's study.
        total_steps: the optimizer's updates.
        families: of the default ones all that are functions of the step, if None.
        ranges: in place of the published ranges, by parameter name, as `[ranges]` in a study file. Where base_lr's
            change, those of final_lr follow in their ratio.
        steps_per_epoch: needed by `reduce_on_plateau`, which reads a metric.
        momentum: of SGD, by which the default ranges of rates shrink.
        optimizer: "sgd", "adam" or "adamw", which have other default ranges of rates.
        prefix: of every parameter's name, where a trial has several schedules ("generator_").

    Raises:
        InputError: an unknown family or range, `reduce_on_plateau` without `steps_per_epoch`, a second schedule of
            the same trial and prefix from another space, or another space than that of the study's other trials.
    """
    space = SpaceArguments(total_steps, families, ranges, steps_per_epoch, momentum, optimizer).space()
    _require_one_space(trial, prefix, space)
    try:
        suggested = space.suggest(trial, prefix)
    except ValueError as error:
        raise InputError(
            "suggest_schedule must be called with the same arguments in every trial of a study, and as its "
            f"FamilySampler.for_schedules: {error}"
        ) from error
    schedule = space.schedule(suggested)
    trial.set_user_attr(prefix + _SCHEDULE, schedule.params())
    return schedule


@checked
def schedule_of(trial: BaseTrial, *, prefix: str = "") -> AnySchedule:
    """Return the schedule that `suggest_schedule` has suggested to a trial, such as `study.best_trial`.

    Args:
        trial: running or finished, of any storage.
        prefix: of its parameters' names, as it was suggested with.

    Raises:
        InputError: if the trial holds no schedule.
    """
    held = trial.user_attrs.get(prefix + _SCHEDULE)
    if not isinstance(held, Mapping):
        name = f"{prefix}{_SCHEDULE}"
        raise InputError(f"trial {trial.number} holds no {name!r}: suggest_schedule has not suggested one to it")
    return schedule_from_params(held)


@dataclass(frozen=True)
class SpaceArguments:
    """The arguments of `suggest_schedule` that say from which space it suggests."""

    total_steps: int
    families: Sequence[str] | None
    ranges: Mapping[str, Any] | None
    steps_per_epoch: int | None
    momentum: float
    optimizer: str

    def space(self) -> Space:
        """Return the space.

        Raises:
            InputError: an unknown family or range, or `reduce_on_plateau` without `steps_per_epoch`.
        """
        for name, steps in (("total_steps", self.total_steps), ("steps_per_epoch", self.steps_per_epoch)):
            if steps is not None and not 1 <= steps <= _MOST_STEPS:
                raise InputError(f"{name} must be from 1 to {_MOST_STEPS:g}, got {steps}")
        chosen = default_families(reading_metric=False) if self.families is None else tuple(self.families)
        if others := [family for family in chosen if family in FAMILIES and FAMILIES[family].optimizer]:
            raise InputError(
                f"{others[0]} trains with an optimizer of its own, which suggest_schedule cannot put into your loop: "
                "leave it out, or compare it in a study of a workload"
            )
        if self.steps_per_epoch is None and (counting := [family for family in chosen if reads_metric(family)]):
            raise InputError(f"steps_per_epoch must be given for {counting[0]}, whose patience counts epochs; got None")
        try:
            ranges = json.dumps(dict(self.ranges or {}), default=float)  # bounds may be NumPy numbers
        except (TypeError, ValueError) as error:
            raise InputError(f"ranges must hold tables of numbers, got {self.ranges!r}") from error
        return _built(replace(self, families=chosen, ranges=None), ranges)


_SCHEDULE = "schedule"
"""The attribute of a trial that holds its schedule, after the prefix."""

_spaces: WeakKeyDictionary[BaseTrial, dict[str, Space]] = WeakKeyDictionary()
"""From which space each trial in progress has been suggested a schedule, by prefix."""


def _require_one_space(trial: BaseTrial, prefix: str, space: Space) -> None:
    """Raise InputError where the same names of a trial would have two meanings."""
    if isinstance(trial, FrozenTrial):  # its values are fixed, and it has no hash
        return
    first = _spaces.setdefault(trial, {}).setdefault(prefix, space)
    if first != space:
        differ = "other families or ranges"
        if first.total_steps != space.total_steps:
            differ = f"total_steps = {first.total_steps}, and now {space.total_steps}"
        raise InputError(
            f"prefix must differ for two schedules of one trial, got {prefix!r} twice (with {differ}); "
            'give one of them a prefix such as "generator_"'
        )


@lru_cache(maxsize=8)
def _built(given: SpaceArguments, ranges: str) -> Space:
    """Build a space once, not in every trial: checking all corners of all ranges takes milliseconds."""
    steps_per_epoch = given.steps_per_epoch or 1
    return Space.build(
        given.families or (),
        total_steps=given.total_steps,
        steps_per_epoch=steps_per_epoch,
        epochs=max(1, given.total_steps // steps_per_epoch),
        momentum=given.momentum,
        optimizer=given.optimizer,
        overrides=json.loads(ranges),
    )
