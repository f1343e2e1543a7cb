"""What more trials of a family would have bought: valid for random, unpruned trials alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import plotly.graph_objects as go

from lrsearch.comparison.inference.best_of_k import BudgetCurve, budget_curve
from lrsearch.metric import Metric
from lrsearch.report.figures.search import values_by_family
from lrsearch.report.page import Section
from lrsearch.report.source import Source
from lrsearch.report.style import axis, band, colours, dashes, figure
from lrsearch.tables import Table, table

_MOST_BUDGETS = 40


def budget_data(values: Mapping[str, Sequence[float]], metric: Metric, *, alpha: float) -> dict[str, BudgetCurve]:
    """Return the budget curve of each family from the values of its random, unpruned trials.

    Args:
        values: `{family: [trials]}`, in the unit that people read.
        metric: says whether the best is the highest or the lowest.
        alpha: the error rate of the band, pointwise.
    """
    curves = {}
    for family, family_values in values.items():
        budgets = np.unique(np.geomspace(1, len(family_values), _MOST_BUDGETS).round().astype(int)).tolist()
        scores = family_values if metric.maximize else [-value for value in family_values]
        curve = budget_curve(scores, budgets, alpha=alpha)
        curves[family] = curve if metric.maximize else _negated(curve)
    return curves


def _negated(curve: BudgetCurve) -> BudgetCurve:
    return replace(
        curve, expected_best=-curve.expected_best, median_low=-curve.median_high, median_high=-curve.median_low
    )


def budget_figure(curves: Mapping[str, BudgetCurve], metric: Metric) -> go.Figure:
    """Return the expected best of k trials of each family, with the band of the median where it has both limits."""
    colour_of, dash_of = colours(list(curves)), dashes(list(curves))
    traces = [
        trace
        for name, curve in curves.items()
        for trace in band(
            curve.k.tolist(),
            curve.expected_best.tolist(),
            curve.median_low.tolist(),
            curve.median_high.tolist(),
            name=name,
            colour=colour_of[name],
            dash=dash_of[name],
        )
    ]
    return figure(traces, height=480, xaxis=axis("trials", type="log"), yaxis=axis(f"expected best, {metric.title}"))


def budget_table(curves: Mapping[str, BudgetCurve], metric: Metric) -> Table:
    """Return the expected best and the limits of the median best at each budget of each family."""
    rows = [
        (name, k, expected, low, high)
        for name, curve in curves.items()
        for k, expected, low, high in zip(
            curve.k.tolist(),
            curve.expected_best.tolist(),
            curve.median_low.tolist(),
            curve.median_high.tolist(),
            strict=True,
        )
    ]
    numbers = (metric.column(name) for name in ("expected best", "median best, low", "high"))
    return table(("family", "trials", *numbers), rows)


def what_more_trials_buy(source: Source) -> Iterator[Section]:
    """Yield the budget curves, or what a search needs for them."""
    title, search = "What more trials buy", source.config.search
    values = values_by_family(source.study.trials, source.metric)
    if not any(trial.finished for trial in source.study.trials):
        return
    if not values or search.sampler != "random" or search.pruner != "none":
        yield Section(title, (_NOT_DRAWN,))
        return
    curves = budget_data(values, source.metric, alpha=source.config.plan.alpha)
    yield Section(title, (_DRAWN,), budget_figure(curves, source.metric), (budget_table(curves, source.metric),))


_DRAWN = (
    "The expected best of k random trials; the band is that of the median best of k, drawn where the trials give it "
    "both limits."
)
_NOT_DRAWN = "Budget curves need random, unpruned trials (--sampler random --pruner none): none is drawn here."
