"""Scores against what was trained for them."""

from lrsearch.metric import Metric
from lrsearch.report.figures.costs import cost_data, cost_figure, cost_table
from lrsearch.report.style import styles
from tests.report.report_helpers import trial

ACCURACY = Metric()


def test_a_family_pays_for_its_pruned_and_failed_trials():
    """Epochs add up over all finished trials in their order; the best is that of complete ones alone."""
    search = [
        trial(3, "a", 0.9),
        trial(0, "a", 0.95, state="pruned", reported={1: 0.95}),
        trial(1, "a", 0.8),
        trial(2, "a", 0.1, stop_reason="diverged", reported={1: 0.1, 2: 0.1}),
        trial(4, "a", 0.85),
        trial(5, "b", 0.2, state="pruned"),
    ]
    (cost,) = cost_data(search, ACCURACY)
    assert ("a", (5, 11), (80.0, 90.0), 15, 7.5) == (cost.family, cost.epochs, cost.best, cost.all_epochs, cost.seconds)
    assert ("a", 15, 7.5, 90.0, 11) == cost_table([cost], ACCURACY).rows[0]
    drawn = cost_figure([cost], ACCURACY, styles(["a"]), ["a"])
    line, cross = drawn.data
    assert ("failed", [7], [min(drawn.layout.yaxis.range)]) == (cross.name, list(cross.x), list(cross.y))
    assert ([5, 11, 15], [80.0, 90.0, 90.0]) == (list(line.x), list(line.y))
    grey, _ = cost_figure([cost], ACCURACY, styles(["a"]), ["b"]).data
    assert ("hv", False) == (grey.line.shape, grey.showlegend)
