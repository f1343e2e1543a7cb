"""What more trials of a family would have bought: valid for random, unpruned trials alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import plotly.graph_objects as go

from lrsearch.comparison.inference.best_of_k import BudgetCurve, budget_curve
from lrsearch.metric import Metric
from lrsearch.report.figures.search import Values, values_by_family
from lrsearch.report.page import Section
from lrsearch.report.source import Source
from lrsearch.report.style import Style, axis, band, figure
from lrsearch.tables import Table, table

_MOST_BUDGETS = 40


def budget_data(values: Mapping[str, Values], metric: Metric, *, alpha: float) -> dict[str, BudgetCurve]:
    """Return the budget curve of each family from the values of its random, unpruned trials.

    A trial that failed is worse than every value: with f of them, the best of k has a mean from k = f + 1 on alone, and
    a limit of the median that would be one of them is left out.

    Args:
        values: by family, in the unit that people read.
        metric: says whether the best is the highest or the lowest.
        alpha: the error rate of the band, pointwise.
    """
    curves = {}
    for family, of_family in values.items():
        if not of_family.scored:
            continue
        budgets = np.unique(np.geomspace(1, of_family.trials, _MOST_BUDGETS).round().astype(int)).tolist()
        scores = np.array([*of_family.scored]) * metric.sign
        # Any number below all values stands for a failed trial; what is calculated with it is left out below.
        below = float(scores.min()) - 1.0
        curve = budget_curve([*scores, *[below] * of_family.failed], budgets, alpha=alpha)
        reached = [k > of_family.failed for k in curve.k]
        curve = replace(
            curve,
            expected_best=np.where(reached, curve.expected_best, np.nan),
            median_low=np.where(curve.median_low > below, curve.median_low, np.nan),
            median_high=np.where(curve.median_high > below, curve.median_high, np.nan),
        )
        curves[family] = curve if metric.maximize else _negated(curve)
    return curves


def _negated(curve: BudgetCurve) -> BudgetCurve:
    return replace(
        curve, expected_best=-curve.expected_best, median_low=-curve.median_high, median_high=-curve.median_low
    )


def budget_figure(curves: Mapping[str, BudgetCurve], metric: Metric, styled: Mapping[str, Style]) -> go.Figure:
    """Return the expected best of k trials of each family, with the band of the median where it has both limits."""
    traces = [
        trace
        for name, curve in curves.items()
        for trace in band(
            curve.k.tolist(),
            curve.expected_best.tolist(),
            curve.median_low.tolist(),
            curve.median_high.tolist(),
            name=name,
            style=styled[name],
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
    """Yield the budget curves, where trials were drawn at random and not pruned."""
    search = source.config.search
    values = values_by_family(source.study.trials, source.metric)
    if not any(v.scored for v in values.values()) or search.sampler != "random" or search.pruner != "none":
        return
    curves = budget_data(values, source.metric, alpha=source.config.plan.alpha)
    yield Section(
        "What more trials buy",
        (_DRAWN,),
        budget_figure(curves, source.metric, source.styles),
        (budget_table(curves, source.metric),),
    )


_DRAWN = (
    "The expected best of k random trials; the band is that of the median best of k, drawn where the trials give it "
    "both limits. A failed trial counts as worse than every value."
)
