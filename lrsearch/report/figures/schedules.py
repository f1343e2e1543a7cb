"""Schedules as curves: the best of each family, and the fixed ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from lrsearch.metric import Metric
from lrsearch.names import replicate_of
from lrsearch.records import TrialRecord
from lrsearch.report.figures.learning import run_rates
from lrsearch.report.page import Section
from lrsearch.report.rates import RateCurve, rate_curve
from lrsearch.report.source import Source
from lrsearch.report.style import axis, colours, dashes, figure, label, rate_axis
from lrsearch.schedules import schedule_from_params
from lrsearch.storage import StudyPart
from lrsearch.tables import Table, table

_OF_THE_RUN = ("family", "total_steps")
_NOTHING_AT_ZERO = ("warmup_steps", "warmup_begin_lr", "min_lr")
_SHOWN = 12
"""The longest list that a table shows whole."""


@dataclass(frozen=True, eq=False)
class Sample:
    """One schedule to draw: its name, what was drawn or given for it, and its rates."""

    name: str
    parameters: dict[str, Any]
    curve: RateCurve


def curves_figure(samples: Sequence[Sample], colour_of: Mapping[str, str], *, height: int, legend: bool) -> go.Figure:
    """Return the rates of schedules over the epochs, on a logarithmic axis."""
    dash_of = dashes([sample.name for sample in samples])
    traces = [
        go.Scatter(
            x=sample.curve.epochs.round(4).tolist(),
            # a rate of exactly 0 has no place on a logarithmic axis
            y=[rate if rate > 0 else None for rate in sample.curve.rates.tolist()],
            name=label(sample.name),
            mode="lines",
            line={"color": colour_of[sample.name], "dash": dash_of[sample.name] if legend else "solid", "width": 1.8},
            opacity=1.0 if legend else 0.75,
        )
        for sample in samples
    ]
    return figure(traces, height=height, showlegend=legend, xaxis=axis("epoch"), yaxis=rate_axis())


def own_parameters(schedule: Mapping[str, Any]) -> dict[str, Any]:
    """Return what tells a schedule from others of its family; what is 0 and then means nothing is left out."""
    return {
        name: _shortened(value)
        for name, value in schedule.items()
        if name not in _OF_THE_RUN and not (name in _NOTHING_AT_ZERO and value == 0)
    }


def _shortened(value: Any) -> Any:
    """Return the families of the parts of a join, and of any other long list its length."""
    if isinstance(value, list) and all(isinstance(part, Mapping) for part in value):
        return " then ".join(str(part.get("family")) for part in value)
    return f"{len(value)} values" if isinstance(value, list) and len(value) > _SHOWN else value


def samples_table(samples: Sequence[Sample]) -> Table:
    """Return named schedules with their parameters and their first and last rate."""
    rows = [
        (
            s.name,
            s.parameters["family"],
            own_parameters(s.parameters),
            float(s.curve.rates[0]),
            float(s.curve.rates[-1]),
        )
        for s in samples
    ]
    return table(("name", "family", "parameters", "first rate", "last rate"), rows)


def best_samples(best: Mapping[str, tuple[StudyPart, TrialRecord]], *, epochs: int) -> list[Sample]:
    """Return the best trial of each family as it ran, the best family first."""
    samples = []
    for family, (_, record) in best.items():
        if record.schedule:
            schedule = schedule_from_params(record.schedule)
            curve = rate_curve(schedule, epochs=epochs, select_loss=record.curve.select_loss)
            samples.append(Sample(family, dict(record.schedule), curve))
    return samples


def best_table(best: Mapping[str, tuple[StudyPart, TrialRecord]], metric: Metric) -> Table:
    """Return the best trial of each family: its value in the search, its parameters, and which lie near a bound."""
    rows = [
        (
            family,
            None if record.value is None else metric.scale * record.value,
            f"{replicate_of(search.name)}/{record.number}",
            own_parameters(record.schedule),
            record.near_bounds,
        )
        for family, (search, record) in best.items()
    ]
    columns = ("family", metric.column(f"validation {metric.title}"), "search/trial", "parameters", "near a bound")
    return table(columns, rows, title="Chosen by its value, so that value is too good: the confirmation measures it")


def best_schedules(source: Source) -> Iterator[Section]:
    """Yield the schedule of each family's best trial."""
    if best := source.study.best_by_family():
        samples = best_samples(best, epochs=source.config.epochs)
        drawn = curves_figure(samples, colours(list(best)), height=520, legend=True)
        yield Section("The best of each family in the search", (), drawn, (best_table(best, source.metric),))


def fixed_schedules(source: Source) -> Iterator[Section]:
    """Yield the confirmed schedules of the study file that were not searched."""
    fixed = {baseline.name for baseline in source.config.baseline}
    first = {run.family: run for run in reversed(source.confirmation) if run.family in fixed and run.schedule}
    samples = [
        Sample(name, dict(run.schedule), run_rates([run], epochs=source.config.epochs)[0])
        for name, run in reversed(first.items())
    ]
    if samples:
        drawn = curves_figure(samples, colours([sample.name for sample in samples]), height=440, legend=True)
        yield Section("Fixed schedules", (), drawn, (samples_table(samples),))
