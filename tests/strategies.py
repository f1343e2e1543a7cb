"""Hypothesis strategies for schedules: any valid one, not only those that the search ranges reach."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from lrsearch.schedules import FAMILIES, Choice, Range, ReduceOnPlateau, Schedule, default_ranges, make_schedule

# There are many families and properties; a busy machine must not turn a slow example into a failure.
quick = settings(max_examples=30, deadline=None)

rates = st.floats(1e-4, 2.0)


@st.composite
def schedules(draw: st.DrawFn, family: str | None = None, max_steps: int = 300) -> Schedule:
    """Draw a schedule of a family, or of any, with at most `max_steps` steps and whole counts of steps."""
    name = draw(st.sampled_from(list(FAMILIES))) if family is None else family
    total_steps = draw(st.integers(1, max_steps))
    base_lr = draw(rates)
    # One milestone must fit between the end of warm-up and the end of training, which warmup_steps < total_steps gives.
    warmup_steps = draw(st.integers(0, total_steps - 1)) if FAMILIES[name].takes_warmup else 0
    schedule = make_schedule(
        name,
        total_steps=total_steps,
        base_lr=base_lr,
        warmup_steps=warmup_steps,
        warmup_begin_lr=draw(st.just(0.0) | st.floats(0.001, 1.0)) * base_lr if warmup_steps else 0.0,
        **draw(_own_parameters(name, base_lr, warmup_steps, total_steps)),
    )
    assert isinstance(schedule, Schedule)
    return schedule


def _own_parameters(
    family: str, base_lr: float, warmup_steps: int, total_steps: int
) -> st.SearchStrategy[dict[str, Any]]:
    span = total_steps - warmup_steps
    final_lr = st.just(0.0) | st.floats(1e-5, 1.0).map(lambda ratio: ratio * base_lr)
    count = st.integers(1, span)
    gamma = st.floats(0.05, 1.0)
    milestones = st.lists(st.integers(warmup_steps + 1, total_steps), min_size=1, max_size=4, unique=True).map(sorted)
    own: dict[str, dict[str, st.SearchStrategy[Any]]] = {
        "constant": {},
        "square_root": {"timescale": st.floats(0.5, 1000.0)},
        "exponential": {"final_lr": st.floats(1e-5, 1.0).map(lambda ratio: ratio * base_lr)},
        # Few enough drops that no rate becomes too small for a float.
        "step": {"step_size": st.integers(max(1, span // 20), span), "gamma": gamma},
        "multistep": {"milestones": milestones, "gamma": gamma},
        "linear": {"final_lr": final_lr},
        "polynomial": {"final_lr": final_lr, "power": st.floats(0.3, 5.0)},
        "cosine": {"final_lr": final_lr, "decay_steps": st.none() | count},
        "cosine_restarts": {"final_lr": final_lr, "first_cycle_steps": count, "cycle_mult": st.integers(1, 3)},
        "one_cycle": {
            "pct_start": st.floats(0.0, 1.0),
            "div_factor": st.floats(1.0, 100.0),
            "final_div_factor": st.floats(1.0, 1e5),
        },
        "warmup_stable_decay": {
            "final_lr": final_lr,
            "decay_steps": count,
            "decay_shape": st.sampled_from(["linear", "cosine", "1-sqrt"]),
        },
        "rex": {"final_lr": final_lr, "beta": st.floats(0.05, 1.0)},
    }
    return st.fixed_dictionaries(own[family])


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
    ranges = default_ranges(family, total_steps=total_steps, epochs=epochs, momentum=momentum)
    return st.fixed_dictionaries({name: _values(span) for name, span in ranges.items()})


def _values(span: Range | Choice) -> st.SearchStrategy[Any]:
    if isinstance(span, Choice):
        return st.sampled_from(span.choices)
    return st.integers(int(span.low), int(span.high)) if span.integer else st.floats(span.low, span.high)
