"""What more trials buy."""

from itertools import combinations

import numpy as np
import pytest

from lrsearch.comparison.inference.best_of_k import expected_best
from lrsearch.metric import Metric
from lrsearch.report.figures.budgets import budget_data, budget_figure
from lrsearch.report.figures.search import Values
from lrsearch.report.style import styles

ACCURACY, LOSS = Metric(), Metric("loss", "minimize", "units")


def test_budget_curves_draw_no_band_without_both_limits():
    """The line is the U-statistic at every k; the band ends where the median best of k has no upper limit."""
    values = {"a": np.random.default_rng(0).normal(size=40).tolist()}
    curve = budget_data({"a": Values(tuple(values["a"]), 0)}, ACCURACY, alpha=0.05)["a"]
    band, line = budget_figure({"a": curve}, ACCURACY, styles(["a"])).data
    assert 40 == line.x[-1]
    assert [expected_best(values["a"], k) for k in line.x] == pytest.approx(list(line.y))
    assert max(band.x) <= 40 / 5.3
    assert all(np.isfinite(band.y))


def test_where_lower_is_better_the_curve_falls_in_the_metric_itself():
    """A loss is drawn as a loss: the expected best of more trials is lower, and the band lies around it."""
    values = {"a": np.random.default_rng(0).uniform(1, 2, size=40).tolist()}
    curve = budget_data({"a": Values(tuple(values["a"]), 0)}, LOSS, alpha=0.05)["a"]
    assert np.mean(values["a"]) == pytest.approx(curve.expected_best[0])
    assert min(values["a"]) == pytest.approx(curve.expected_best[-1])
    both = np.isfinite(curve.median_low) & np.isfinite(curve.median_high)
    assert both.any()
    assert (curve.median_low[both] < curve.median_high[both]).all()


@pytest.mark.parametrize("metric", [ACCURACY, LOSS], ids=["maximize", "minimize"])
def test_a_failed_trial_is_no_finite_worst_value(metric):
    """With two failed ones the best of two may have no value, and the best of three is the mean over all triples."""
    scored = [1.0, 2.0, 4.0]
    curve = budget_data({"a": Values(tuple(scored), 2)}, metric, alpha=0.05)["a"]
    assert [1, 2, 3, 4, 5] == curve.k.tolist()
    assert np.isnan(curve.expected_best[:2]).all()
    worst = -metric.sign * np.inf
    triples = [metric.best(three) for three in combinations([*scored, worst, worst], 3)]
    assert np.mean(triples) == pytest.approx(curve.expected_best[2])
    limits = np.concatenate([curve.median_low, curve.median_high])
    assert set(limits[np.isfinite(limits)]) <= set(scored)
    assert {} == budget_data({"a": Values((), 2)}, metric, alpha=0.05)
