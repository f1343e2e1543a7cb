"""What a parameter of a schedule is, and those that several families share: one name, one meaning, one rule.

A dataclass says the rule in the annotation of its field: `gamma: Annotated[float, Parameter("the factor ...")] = 0.1`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, replace
from functools import cache
from numbers import Real
from typing import Annotated, Any, Literal, get_args, get_type_hints

from lrsearch.errors import InputError
from lrsearch.text import did_you_mean

_SHOWN = 20
"""The longest list that an error shows whole."""


@dataclass(frozen=True)
class Span:
    """Where a shape lives: the peak rate, the end of warm-up and the end of training, in steps of the run."""

    base_lr: float
    warmup_steps: int
    total_steps: int

    @property
    def steps(self) -> int:
        """Return n, the steps that follow warm-up."""
        return self.total_steps - self.warmup_steps


@dataclass(frozen=True)
class Limit:
    """A bound that depends on the run, and how a message calls it."""

    name: str
    value: Callable[[Span], float]


@dataclass(frozen=True)
class Parameter:
    """What a parameter means and which values it takes.

    Attributes:
        meaning: one line for people; rates are absolute, steps are updates unless the study steps once per epoch.
        kind: "number"; "whole" number; "steps", a count of steps that stays real when it is scaled; "milestones",
            increasing absolute steps of the run; "numbers", a list of them; "schedules", a list of other schedules; or
            "choice", one of `choices`.
        low, high: the bounds, both included unless `above` excludes `low`, or `below` excludes `high`.
        limit, least: an upper and a lower bound that depend on the run.
        empty: whether a list may hold nothing.
    """

    meaning: str
    kind: Literal["number", "whole", "steps", "milestones", "numbers", "schedules", "choice"] = "number"
    low: float = 0.0
    high: float = math.inf
    above: bool = False
    below: bool = False
    limit: Limit | None = None
    least: Limit | None = None
    choices: tuple[str, ...] = ()
    empty: bool = False

    @property
    def rule(self) -> str:
        """Return the rule in words, as error messages quote it."""
        if self.kind == "choice":
            return f"one of {', '.join(self.choices)}"
        if self.kind == "schedules":
            return "a list of schedules"
        noun = {
            "whole": "a whole number",
            "milestones": "a list of increasing whole numbers, each",
            "numbers": "a list of finite numbers, each",
        }
        upper = f" and {'<' if self.below else '<='} {self.high:g}" if self.high < math.inf else ""
        return f"{noun.get(self.kind, 'a finite number')} {'>' if self.above else '>='} {self.low:g}{upper}"

    def plain(self, name: str, value: Any) -> Any:
        """Return `value` as a plain int, float, str or tuple; raise InputError where it breaks the rule."""
        if self.kind == "choice" and value in self.choices:
            return value
        if self.kind == "schedules" and isinstance(value, list | tuple) and value:
            return tuple(value)
        if self.kind == "numbers" and isinstance(value, list | tuple) and value:
            return tuple(self._each(name, place, number) for place, number in enumerate(value))
        if self.kind == "milestones" and isinstance(value, list | tuple) and (value or self.empty):
            steps = [self._number(step) for step in value]
            whole_steps = [int(step) for step in steps if step is not None and step == int(step)]
            if len(whole_steps) == len(steps) and whole_steps == sorted(whole_steps):
                return tuple(whole_steps)
        if self.kind in ("number", "whole", "steps"):
            number = self._number(value)
            whole = number is not None and number == int(number)
            if number is not None and (whole or self.kind != "whole"):
                return int(number) if whole and self.kind != "number" else number
        raise InputError(f"{name} must be {self.rule}, got {_shown(value)}")

    def _each(self, name: str, place: int, value: Any) -> float:
        if (number := self._number(value)) is None:
            raise InputError(f"{name} must be {self.rule}, got {value!r} at place {place}, counted from 0")
        return number

    def _number(self, value: Any) -> float | None:
        if isinstance(value, bool) or not isinstance(value, Real):
            return None
        try:
            number = float(value)
        except OverflowError:  # a whole number that is larger than any float
            return None
        at_bound = (self.above and number == self.low) or (self.below and number == self.high)
        return number if math.isfinite(number) and self.low <= number <= self.high and not at_bound else None

    def check(self, name: str, value: Any, span: Span) -> None:
        """Raise InputError where a plain `value` does not fit into the run."""
        if value == ():
            return
        if self.limit and (max(value) if isinstance(value, tuple) else value) > self.limit.value(span):
            raise InputError(
                f"{name} must be at most {self.limit.name} = {self.limit.value(span)}, got {_shown(value)}"
            )
        if self.least and value < self.least.value(span):
            raise InputError(f"{name} must be at least {self.least.name} = {self.least.value(span)}, got {value!r}")
        if self.kind == "milestones" and value[0] <= span.warmup_steps:
            raise InputError(f"{name} must lie after warmup_steps = {span.warmup_steps}, got {_shown(value)}")

    def scaled(self, value: Any, ratio: float, span: Span) -> Any:
        """Return `value` for a run `ratio` times as long, whose span is `span`; only steps change."""
        if self.kind == "milestones":
            # Two that coincide count twice, and none may fall into the warm-up.
            return tuple(max(round(step * ratio), span.warmup_steps + 1) for step in value)
        if self.kind == "steps":
            scaled = value * ratio if self.above else max(value * ratio, self.low)
            return min(scaled, self.limit.value(span)) if self.limit else scaled
        return value


AT_MOST_BASE_LR = Limit("base_lr", lambda span: span.base_lr)

BaseLr = Annotated[float, Parameter("the peak rate", above=True)]
TotalSteps = Annotated[int, Parameter("the length of training", "whole", low=1)]
WarmupSteps = Annotated[
    int,
    Parameter(
        "the length of the linear warm-up", "whole", limit=Limit("total_steps - 1", lambda span: span.total_steps - 1)
    ),
]
WarmupBeginLr = Annotated[float, Parameter("the rate of step 0 where there is a warm-up", limit=AT_MOST_BASE_LR)]
_FINAL_LR = Parameter("the rate that the decay reaches at its end", limit=AT_MOST_BASE_LR)
FinalLr = Annotated[float, _FINAL_LR]
FinalLrAbove0 = Annotated[float, replace(_FINAL_LR, above=True)]
MinLr = Annotated[float, Parameter("the rate below which a plateau does not lead", limit=AT_MOST_BASE_LR)]
Gamma = Annotated[float, Parameter("the factor of each drop", high=1, above=True)]
Timescale = Annotated[float, Parameter("the steps in which 1 + s / timescale doubles first", "steps", above=True)]
Boundaries = Annotated[
    tuple[int, ...],
    Parameter(
        "the steps of the run from which on the next of them holds",
        "milestones",
        low=1,
        limit=Limit("total_steps", lambda span: span.total_steps),
        empty=True,
    ),
]
DecaySteps = Annotated[
    float,
    Parameter(
        "the length of the decay",
        "steps",
        low=1,
        limit=Limit("total_steps - warmup_steps", lambda span: span.steps),
    ),
]


def rules(cls: Any) -> dict[str, Parameter]:
    """Return the parameters of a dataclass and their rules: its fields annotated with a Parameter, in order."""
    return _rules(cls)


@cache
def _rules(cls: Any) -> dict[str, Parameter]:
    hints = get_type_hints(cls, include_extras=True)
    return {
        field.name: rule
        for field in fields(cls)
        for hint in (hints[field.name], *get_args(hints[field.name]))  # an argument where it is `... | None`
        for rule in getattr(hint, "__metadata__", ())
        if isinstance(rule, Parameter)
    }


def parameters_of(instance: Any) -> Iterator[tuple[str, Parameter, Any]]:
    """Yield name, rule and value of each parameter of a dataclass that has been given one."""
    field_rules = rules(type(instance))
    for field in fields(instance):
        value = getattr(instance, field.name)
        if field.name in field_rules and (value is not None or field.default is not None):
            yield field.name, field_rules[field.name], value


def make_plain(instance: Any) -> None:
    """Replace the parameters of a frozen dataclass by plain values; raise InputError for the first that is wrong."""
    for name, rule, value in parameters_of(instance):
        object.__setattr__(instance, name, rule.plain(name, value))


def check_fit(instance: Any, span: Span) -> None:
    """Raise InputError for the first parameter of a dataclass that does not fit into the run."""
    for name, rule, value in parameters_of(instance):
        rule.check(name, value, span)


def scaled_parameters(instance: Any, ratio: float, span: Span) -> dict[str, Any]:
    """Return the parameters of a dataclass for a run `ratio` times as long, whose span is `span`."""
    return {name: rule.scaled(value, ratio, span) for name, rule, value in parameters_of(instance)}


def json_plain(instance: Any) -> dict[str, Any]:
    """Return the parameters of a dataclass as JSON holds them: tuples as lists, schedules by their parameters."""
    return {name: _json(rule, value) for name, rule, value in parameters_of(instance)}


def _json(rule: Parameter, value: Any) -> Any:
    if rule.kind == "schedules":
        return [part.params() for part in value]
    return list(value) if isinstance(value, tuple) else value


def _shown(value: Any) -> str:
    """Return a value as an error shows it: of a long list only how long it is."""
    long = isinstance(value, list | tuple) and len(value) > _SHOWN
    return f"a list of {len(value)}" if long else repr(value)


def require_known(what: str, given: Iterable[str], names: Iterable[str]) -> None:
    """Raise InputError, suggesting the likeliest, where `given` has a name that is not among those known."""
    names = tuple(names)
    for name in given:
        if name not in names:
            raise InputError(f"{what} has no parameter {name!r}{did_you_mean(name, names)}")
