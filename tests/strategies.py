"""Hypothesis strategies for schedules: any valid one, not only those that the search ranges reach."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from lrsearch.schedules import (
    FAMILIES,
    Choice,
    Range,
    ReduceOnPlateau,
    Schedule,
    make_schedule,
    resolve_ranges,
    step_families,
)
from lrsearch.schedules.parameters import Parameter, Span

# There are many families and properties; a busy machine must not turn a slow example into a failure.
quick = settings(max_examples=30, deadline=None)

rates = st.floats(1e-4, 2.0)


@st.composite
def schedules(draw: st.DrawFn, family: str | None = None, max_steps: int = 300) -> Schedule:
    """Draw a schedule of a family, or of any, with at most `max_steps` steps and whole counts of steps."""
    name = draw(st.sampled_from(step_families())) if family is None else family
    total_steps = draw(st.integers(1, max_steps))
    base_lr = draw(rates)
    # One milestone must fit between the end of warm-up and the end of training, which warmup_steps < total_steps gives.
    warmup_steps = draw(st.integers(0, total_steps - 1)) if FAMILIES[name].takes_warmup else 0
    span = Span(base_lr, warmup_steps, total_steps)
    schedule = make_schedule(
        name,
        total_steps=total_steps,
        base_lr=base_lr,
        warmup_steps=warmup_steps,
        warmup_begin_lr=draw(st.just(0.0) | st.floats(0.001, 1.0)) * base_lr if warmup_steps else 0.0,
        **draw(_own_parameters(name, span)),
    )
    assert isinstance(schedule, Schedule)
    return schedule


def _own_parameters(family: str, span: Span) -> st.SearchStrategy[dict[str, Any]]:
    """Draw the parameters of a family by their rules; where None is the default it is drawn, too."""
    drawn = {name: _by_rule(name, rule, span) for name, rule in FAMILIES[family].parameters().items()}
    optional = [name for name in drawn if getattr(FAMILIES[family], name, 0) is None]
    return st.fixed_dictionaries(drawn | {name: st.none() | drawn[name] for name in optional})


def _by_rule(name: str, rule: Parameter, span: Span) -> st.SearchStrategy[Any]:
    """Draw a value that a parameter's rule allows; of what has no upper bound, no more than a few orders."""
    if rule.kind == "choice":
        return st.sampled_from(rule.choices)
    if rule.kind == "milestones":
        steps = st.integers(span.warmup_steps + 1, span.total_steps)
        return st.lists(steps, min_size=1, max_size=4, unique=True).map(sorted)
    if rule.kind == "numbers":
        return st.lists(st.floats(0.001, rule.high), min_size=2, max_size=6)
    if rule.kind == "steps":
        # Few enough drops that no rate becomes too small for a float.
        least = max(1, span.steps // 20) if name == "step_size" else max(1, math.ceil(rule.low))
        return st.integers(least, span.steps)
    if rule.kind == "whole":
        return st.integers(int(rule.low), int(rule.low) + 2)
    if rule.limit is not None:  # a rate, up to base_lr
        some = st.floats(1e-5, 1.0).map(lambda ratio: ratio * span.base_lr)
        return some if rule.above else st.just(0.0) | some
    low = rule.low + 0.05 if rule.above else rule.low
    return st.floats(low, rule.high if rule.high < math.inf else 100 * max(low, 0.05), exclude_max=rule.below)


@st.composite
def plateaus(draw: st.DrawFn) -> ReduceOnPlateau:
    """Draw a ReduceOnPlateau of at most 300 steps."""
    total_steps, base_lr = draw(st.integers(1, 300)), draw(rates)
    return ReduceOnPlateau(
        base_lr=base_lr,
        total_steps=total_steps,
        warmup_steps=draw(st.integers(0, total_steps - 1)),
        warmup_begin_lr=draw(st.just(0.0) | st.floats(0.001, 1.0)) * base_lr,
        factor=draw(st.floats(0.05, 0.95)),
        patience=draw(st.integers(0, 4)),
        min_lr=draw(st.floats(0.0, 1.0)) * base_lr,
    )


def samples(family: str, *, total_steps: int, epochs: int, momentum: float = 0.0) -> st.SearchStrategy[dict[str, Any]]:
    """Draw what a search could draw from the default ranges of a family."""
    ranges = resolve_ranges(family, {}, total_steps=total_steps, epochs=epochs, momentum=momentum)
    return st.fixed_dictionaries({name: _values(span) for name, span in ranges.items()})


def middle_sample(family: str, *, total_steps: int, epochs: int) -> dict[str, Any]:
    """Return a draw from the middle of every default range of a family."""

    def middle(span: Range | Choice) -> Any:
        if isinstance(span, Choice):
            return span.choices[0]
        value = math.sqrt(span.low * span.high) if span.log else (span.low + span.high) / 2
        return round(value) if span.integer else value

    ranges = resolve_ranges(family, {}, total_steps=total_steps, epochs=epochs, momentum=0.0)
    return {name: middle(span) for name, span in ranges.items()}


def _values(span: Range | Choice) -> st.SearchStrategy[Any]:
    if isinstance(span, Choice):
        return st.sampled_from(span.choices)
    return st.integers(int(span.low), int(span.high)) if span.integer else st.floats(span.low, span.high)
