"""Stop a trial early: judged within its family, against trials at the same epoch.

Families improve at different times, so a trial is never compared with those of another family, and the default looks
at three rungs only. An epoch counts from 1: it is the number of epochs finished, and the `step` of Optuna's reports.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from optuna.pruners import BasePruner
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState

from lrsearch.config.arguments import checked
from lrsearch.errors import InputError
from lrsearch.experiment.space import FAMILY
from lrsearch.metric import Direction, Metric
from lrsearch.names import PrunerKind

_REPORTING = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING)


class PruningRule(Protocol):
    """When to judge a trial, and by what; larger values are better."""

    @property
    def min_reports(self) -> int:
        """How many trials of a family must have reported at a rung before any is pruned there."""

    @property
    def stopped_share(self) -> float:
        """Which share of the further trials is pruned at a rung, about."""

    def rung(self, epoch: int) -> int | None:
        """Return the epoch from which a trial that has finished `epoch` epochs is judged, None for not yet or no more.

        A trial is judged once a rung: at its first report at or beyond it.
        """

    def prunes(self, value: float, reported: Collection[float]) -> bool:
        """Return whether `value` is to be pruned among all values `reported` at its epoch, its own included."""


@dataclass(frozen=True)
class Rungs:
    """At ceil(fraction x epochs) keep the best ceil(keep x n) of the n values reported so far, ties included.

    Nothing is pruned before `min_reports` values are reported, nor at the last epoch, where nothing is left to save.
    """

    epochs: int
    keep: float = 2 / 3
    fractions: tuple[float, ...] = (0.25, 0.5, 0.75)
    min_reports: int = 4

    def __post_init__(self) -> None:
        if self.epochs < 1:
            raise InputError(f"epochs must be at least 1, got {self.epochs}")
        if not 0.0 < self.keep <= 1.0:
            raise InputError(f"keep must be above 0 and at most 1 (a fraction of the trials), got {self.keep}")
        if any(not 0.0 < fraction < 1.0 for fraction in self.fractions):
            raise InputError(f"fractions must lie between 0 and 1 (fractions of the epochs), got {self.fractions}")
        if self.min_reports < 1:
            raise InputError(f"min_reports must be at least 1, got {self.min_reports}")

    @property
    def stopped_share(self) -> float:
        """What is not kept."""
        return 1 - self.keep

    @cached_property
    def _rungs(self) -> tuple[int, ...]:
        return tuple(sorted({_ceil(fraction * self.epochs) for fraction in self.fractions}))

    def rung(self, epoch: int) -> int | None:
        """Return the last rung at or before `epoch`; None before the first one, and at the end of training."""
        passed = bisect_right(self._rungs, epoch)
        return self._rungs[passed - 1] if passed and epoch < self.epochs else None

    def prunes(self, value: float, reported: Collection[float]) -> bool:
        """Return whether as many values as are kept are better than `value`."""
        if len(reported) < self.min_reports:
            return False
        return sum(other > value for other in reported) >= _ceil(self.keep * len(reported))


@dataclass(frozen=True)
class Medians:
    """After every epoch but the last, prune what is below the median of the values reported so far at that epoch.

    Optuna's `MedianPruner` compares a trial's best value with the completed trials alone; this one counts pruned and
    running trials as well, as `Rungs` does. Nothing is pruned before `min_reports` values are reported.
    """

    epochs: int
    min_reports: int = 5
    stopped_share = 0.5

    def rung(self, epoch: int) -> int | None:
        """Return the epoch itself, None at the end of training."""
        return epoch if epoch < self.epochs else None

    def prunes(self, value: float, reported: Collection[float]) -> bool:
        """Return whether `value` is below the median."""
        return len(reported) >= self.min_reports and value < float(np.median(list(reported)))


@dataclass(frozen=True)
class NoPruning:
    """Every trial trains to its end."""

    min_reports = 1
    stopped_share = 0.0

    def rung(self, epoch: int) -> int | None:  # noqa: ARG002  (the rule's interface)
        """Return None: trials are never judged."""
        return None

    def prunes(self, value: float, reported: Collection[float]) -> bool:  # noqa: ARG002
        """Return False: no value is too low."""
        return False


class PrunerCore:
    """The verdicts of a rule from values in memory: every trial reports every epoch, then each is asked."""

    def __init__(self, rule: PruningRule, *, direction: Direction = "maximize") -> None:
        self.rule = rule
        self._sign = Metric(direction=direction).sign
        self._reported: dict[tuple[str, int], list[float]] = defaultdict(list)

    def report(self, family: str, epoch: int, value: float) -> None:
        """Take in the value of a trial of `family` after `epoch` epochs; NaN counts as the worst."""
        if self.rule.rung(epoch) == epoch:
            self._reported[family, epoch].append(_larger_is_better(value, self._sign))

    def should_prune(self, family: str, epoch: int, value: float, more: Iterable[float] = ()) -> bool:
        """Return whether a trial that has reported `value` after `epoch` epochs is to be stopped.

        `more` are further values of its family at this epoch, which are not kept.
        """
        if self.rule.rung(epoch) != epoch:
            return False
        further = [_larger_is_better(other, self._sign) for other in more]
        return self.rule.prunes(_larger_is_better(value, self._sign), [*self._reported[family, epoch], *further])


class FamilyPruner(BasePruner):
    """A rule as an Optuna pruner: the verdicts of `PrunerCore`, read from the study's trials.

    A trial need not report every epoch: it is judged at its first report at or beyond a rung, against the first
    reports at or beyond that rung of the others.
    """

    def __init__(self, rule: PruningRule) -> None:
        self.rule = rule

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Return whether `trial` is to be stopped after the last epoch that it reported."""
        epoch = trial.last_step
        rung = None if epoch is None else self.rule.rung(epoch)
        if rung is None or epoch != _first_report(trial, rung):
            return False
        sign = 1 if study.direction == StudyDirection.MAXIMIZE else -1
        family = [
            other
            for other in study.get_trials(deepcopy=False, states=_REPORTING)
            if other.number != trial.number and other.params.get(FAMILY) == trial.params.get(FAMILY)
        ]
        values = [
            _larger_is_better(other.intermediate_values[step], sign)
            for other in (trial, *family)
            if (step := _first_report(other, rung)) is not None
        ]
        return self.rule.prunes(values[0], values)


def _first_report(trial: FrozenTrial, rung: int) -> int | None:
    """Return the epoch of a trial's first report at or beyond a rung, None if it has not come so far."""
    return min((epoch for epoch in trial.intermediate_values if epoch >= rung), default=None)


class RungPruner(FamilyPruner):
    """The default pruner for plain `study.optimize`: three rungs within the family (see `Rungs`)."""

    @checked
    def __init__(
        self,
        epochs: int,
        *,
        keep: float = 2 / 3,
        fractions: Sequence[float] = (0.25, 0.5, 0.75),
        min_reports: int = 4,
    ) -> None:
        super().__init__(Rungs(epochs, keep, tuple(fractions), min_reports))


@dataclass(frozen=True)
class Pruner:
    """What a name stands for.

    Attributes:
        rule: for trials of that length.
        sentence: what the report says of it.
    """

    rule: Callable[[int], PruningRule]
    sentence: str


PRUNERS: dict[PrunerKind, Pruner] = {
    "rungs": Pruner(
        Rungs, "At a quarter, half and three quarters of the epochs the worst third within the family is stopped."
    ),
    "median": Pruner(Medians, "After each epoch what is below the median of its family is stopped."),
    "none": Pruner(lambda _: NoPruning(), "Nothing was pruned."),
}
"""Every pruner by the name that `--pruner` takes."""


def make_rule(kind: PrunerKind, epochs: int) -> PruningRule:
    """Return the rule that `--pruner` names, for trials of `epochs` epochs.

    Raises:
        InputError: an unknown name.
    """
    if kind not in PRUNERS:
        raise InputError(f"pruner must be one of {', '.join(PRUNERS)}, got {kind!r}")
    return PRUNERS[kind].rule(epochs)


def _larger_is_better(value: float, sign: float) -> float:
    return -math.inf if math.isnan(value) else sign * value


def _ceil(number: float) -> int:
    """Round up, but take 3.0000000000000004 for the 3 that it means."""
    return math.ceil(number - 1e-9)
