"""What is searched: for every family its parameters, each with one distribution; and the way back to a schedule."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.trial import BaseTrial, FrozenTrial

from lrsearch.config import StudyConfig
from lrsearch.errors import InputError
from lrsearch.experiment.space.distributions import (
    discrete_values,
    distribution_of,
    from_plain,
    size_of,
    suggest_value,
    to_plain,
)
from lrsearch.schedules import FAMILIES, AnySchedule, family_class, resolve_ranges, schedule_from_sample

FAMILY = "family"
"""The name of the categorical parameter that holds the schedule family of a trial."""


@dataclass(frozen=True)
class Space:
    """The families of one search in their order, and the distribution of every parameter of each.

    A name has one distribution in all families that share it, because a family must not win by its search space.
    Equal spaces sample alike; `to_json` is the stored identity of a study's space.
    """

    total_steps: int
    steps_per_epoch: int
    by_family: Mapping[str, Mapping[str, BaseDistribution]]
    beside: tuple[str, ...] = ()

    @classmethod
    def build(
        cls,
        families: Sequence[str],
        *,
        total_steps: int,
        steps_per_epoch: int,
        epochs: int,
        momentum: float = 0.0,
        optimizer: str = "sgd",
        overrides: Mapping[str, Any] | None = None,
        beside: Mapping[str, BaseDistribution] | None = None,
    ) -> Space:
        """Resolve the published ranges, with `overrides`, into the distributions of `families`.

        What is `beside` (say `weight_decay`) is sampled in every family besides the schedule's own parameters.

        Raises:
            InputError: an unknown, repeated or missing family, or one name with two distributions.
        """
        _check_families(families)
        extra = dict(beside or {})
        by_family = {}
        for family in families:
            ranges = resolve_ranges(
                family,
                overrides or {},
                total_steps=total_steps,
                epochs=epochs,
                momentum=momentum,
                optimizer=optimizer,
            )
            if clash := sorted(ranges.keys() & extra.keys()):
                raise InputError(
                    f"parameter {clash[0]!r} is also a parameter of the schedule family {family!r}: rename it"
                )
            by_family[family] = {name: distribution_of(bounds) for name, bounds in ranges.items()} | extra
        _check_one_distribution_per_name(by_family)
        return cls(total_steps, steps_per_epoch, by_family, tuple(extra))

    @property
    def families(self) -> tuple[str, ...]:
        """The families in the order in which they were given."""
        return tuple(self.by_family)

    @property
    def family_distribution(self) -> CategoricalDistribution:
        """The distribution of the categorical parameter `family`."""
        return CategoricalDistribution(self.families)

    def distributions(self, family: str) -> dict[str, BaseDistribution]:
        """Return {parameter: distribution} of one family, `family` itself left out."""
        return dict(self.by_family[family])

    def family_size(self, family: str) -> float:
        """Return how many different configurations a family has; infinity where a parameter is continuous."""
        return math.prod(map(size_of, self.by_family[family].values()))

    @property
    def size(self) -> float:
        """How many different configurations all families have."""
        return sum(map(self.family_size, self.families))

    def configurations(self, family: str) -> Iterator[dict[str, Any]]:
        """Yield every configuration of a family, none where a parameter is continuous."""
        if math.isfinite(self.family_size(family)):
            named = self.by_family[family]
            for values in product(*map(discrete_values, named.values())):
                yield dict(zip(named, values, strict=True))

    def family_of(self, trial: FrozenTrial) -> str | None:
        """Return the family that is written in `trial` or that it was enqueued with; None where it has neither."""
        family = known_params(trial).get(FAMILY)
        return family if family in self.by_family else None

    def key(self, family: str, params: Mapping[str, Any]) -> tuple[Any, ...]:
        """Return the values of the family's parameters in their order, None for those that it does not have (yet)."""
        return (family, *(params.get(name) for name in self.by_family[family]))

    def drawn(self, family: str, count: int, *, seed: int) -> list[dict[str, Any]]:
        """Return the parameters of `count` schedules of a family, drawn at random; equal seeds give equal ones."""
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
        return [study.ask(self.distributions(family)).params for _ in range(count)]

    def to_json(self) -> dict[str, Any]:
        """Return the space as plain data (dicts, lists, numbers, strings); equal spaces give equal data."""
        return {
            "total_steps": self.total_steps,
            "steps_per_epoch": self.steps_per_epoch,
            "families": {
                family: {name: to_plain(distribution) for name, distribution in named.items()}
                for family, named in self.by_family.items()
            },
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any], beside: Iterable[str] = ()) -> Space:
        """Return the space that `to_json` gave: a study keeps its first space, though defaults have changed since."""
        by_family = {
            family: {name: from_plain(plain) for name, plain in named.items()}
            for family, named in stored["families"].items()
        }
        return cls(stored["total_steps"], stored["steps_per_epoch"], by_family, tuple(beside))

    def schedule(self, params: Mapping[str, Any]) -> AnySchedule:
        """Return the schedule of a trial's `params`, which hold `family` and that family's parameters."""
        family = params[FAMILY]
        sample = {name: params[name] for name in self.by_family[family] if name not in self.beside}
        return schedule_from_sample(family, sample, total_steps=self.total_steps, steps_per_epoch=self.steps_per_epoch)

    def suggest(self, trial: BaseTrial, prefix: str = "") -> dict[str, Any]:
        """Ask `trial` for a family, then for the parameters of that family, under names that begin with `prefix`.

        Returns:
            All of them with `family`, by their names without the prefix.
        """
        family = trial.suggest_categorical(prefix + FAMILY, self.families)
        named = self.by_family[str(family)]
        return {FAMILY: family} | {name: suggest_value(trial, prefix + name, named[name]) for name in named}


def known_params(trial: FrozenTrial) -> dict[str, Any]:
    """Return the parameters that `trial` has, and those that it was enqueued with and will have."""
    return {**trial.system_attrs.get("fixed_params", {}), **trial.params}


def study_space(config: StudyConfig, steps_per_epoch: int) -> Space:
    """Return the search space of a study whose epochs have `steps_per_epoch` updates.

    It counts in updates, or in epochs where the study says `interval = "epoch"`.
    """
    per_epoch = config.training.interval == "epoch"
    run, epochs = config.run, config.epochs
    return Space.build(
        config.search.families,
        total_steps=run.total_steps if run is not None else epochs if per_epoch else epochs * steps_per_epoch,
        steps_per_epoch=1 if per_epoch else steps_per_epoch,
        epochs=epochs,
        momentum=config.optimizer.largest_momentum,
        optimizer=config.optimizer.name,
        overrides=config.ranges,
        beside={name: distribution_of(bounds) for name, bounds in config.searched.items()},
    )


def _check_families(families: Sequence[str]) -> None:
    if not families:
        raise InputError(
            f"families must name at least one schedule family, got none; choose from {', '.join(FAMILIES)}"
        )
    for family in families:
        family_class(family)
        if list(families).count(family) > 1:
            raise InputError(f"families must be distinct, got {family!r} more than once")


def _check_one_distribution_per_name(by_family: Mapping[str, Mapping[str, BaseDistribution]]) -> None:
    first: dict[str, tuple[str, BaseDistribution]] = {}
    for family, named in by_family.items():
        for name, distribution in named.items():
            other, expected = first.setdefault(name, (family, distribution))
            if expected != distribution:
                raise InputError(
                    f"parameter {name!r} must have one range in all families, because no family must win by its search "
                    f"space: {other} has {expected}, {family} has {distribution}; give the range for all families"
                )
