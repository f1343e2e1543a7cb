"""Schedules as curves: the best of each family, and the fixed ones."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from lrsearch.metric import Metric
from lrsearch.names import replicate_of
from lrsearch.records import TrialRecord
from lrsearch.report.curves import distinct_rates
from lrsearch.report.page import Section
from lrsearch.report.rates import RateCurve, rate_curve
from lrsearch.report.source import Source
from lrsearch.report.style import Style, axis, figure, label, rate_axis
from lrsearch.schedules import schedule_from_params
from lrsearch.storage import StudyPart
from lrsearch.tables import Table, table, text

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


def curves_figure(samples: Sequence[Sample], styled: Mapping[str, Style], *, height: int, legend: bool) -> go.Figure:
    """Return the rates of schedules over the epochs, on a logarithmic axis."""
    traces = [
        go.Scatter(
            x=sample.curve.drawn_at,
            y=sample.curve.drawn,
            name=label(sample.name),
            mode="lines",
            line={"color": styled[sample.name].colour, "dash": styled[sample.name].dash, "width": 1.8},
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
    """Yield the table of each family's best trial."""
    if best := source.study.best_by_family():
        yield Section("The best of each family in the search", (), None, (best_table(best, source.metric),))


def side_by_side(source: Source) -> Iterator[Section]:
    """Yield the schedule of each family's best trial, all on the same axes."""
    samples = best_samples(source.study.best_by_family(), epochs=source.config.epochs)
    rates = [rate for sample in samples for rate in sample.curve.rates.tolist() if rate > 0]
    for sample in samples if rates else []:
        drawn = curves_figure([sample], source.styles, height=220, legend=False)
        drawn.update_yaxes(range=[math.log10(min(rates)) - 0.1, math.log10(max(rates)) + 0.1])
        yield Section(sample.name, (_in_words(own_parameters(sample.parameters)),), drawn, (samples_table([sample]),))


def _in_words(parameters: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {text(value)}" for name, value in parameters.items())


def fixed_schedules(source: Source) -> Iterator[Section]:
    """Yield the confirmed schedules of the study file that were not searched."""
    fixed = {baseline.name for baseline in source.config.baseline}
    first = {run.family: run for run in reversed(source.confirmation) if run.family in fixed and run.schedule}
    samples = [
        Sample(name, dict(run.schedule), curve)
        for name, run in reversed(first.items())
        for _, curve in distinct_rates([run], epochs=source.config.epochs)
    ]
    if samples:
        drawn = curves_figure(samples, source.styles, height=440, legend=True)
        yield Section("Fixed schedules", (), drawn, (samples_table(samples),))
