"""What the search found, from hand-made trials."""

import pytest

from lrsearch.metric import Metric
from lrsearch.report.figures.search import (
    Values,
    ecdf_figure,
    ecdf_table,
    history_data,
    history_figure,
    history_table,
    values_by_family,
)
from lrsearch.report.style import styles
from tests.report.report_helpers import trial

STYLES = styles(["a"])
ACCURACY, LOSS = Metric(), Metric("loss", "minimize", "units")


def test_best_so_far_is_over_complete_trials_in_their_order():
    """A pruned trial never counts as the best, with any value, nor does an unfinished one."""
    search = [
        trial(2, "b", 0.7),
        trial(0, "a", 0.6, state="pruned"),
        trial(1, "a", 0.5),
        trial(3, "a", None, state="running"),
        trial(4, "a", 0.65),
    ]
    history = history_data(search, ACCURACY)
    assert (0, 1, 2, 4) == history.numbers
    assert (None, 50.0, 70.0, 70.0) == history.best
    assert (60.0, 50.0, 70.0, 65.0) == pytest.approx(history.values)
    assert (None, 0.5, 0.5, 0.5) == history_data(search, LOSS).best
    rows = history_table([history], ACCURACY).rows
    assert [(0, 1, "a", 50.0), (0, 2, "b", 70.0)] == list(rows)


def test_history_marks_pruned_trials_as_open():
    """Every finished trial is drawn once, pruned ones with an open mark."""
    drawn = history_figure(
        [history_data([trial(0, "a", 0.6, state="pruned"), trial(1, "a", 0.5)], ACCURACY)], ACCURACY, STYLES
    )
    assert ["circle-open", "circle"] == list(drawn.data[0].marker.symbol)


def test_an_empty_search_has_an_empty_history():
    """A search whose first trials still run gives no figure but no error either."""
    assert () == history_data([trial(0, "a", 0.5, state="running")], ACCURACY).numbers


def test_ecdf_is_the_share_of_complete_trials_at_or_below():
    """The drawn steps agree with counting; pruned trials are not among them."""
    trials = [trial(n, "a", v) for n, v in enumerate((0.3, 0.1, 0.2, 0.2))] + [trial(9, "a", 0.9, state="pruned")]
    values = values_by_family(trials, LOSS)
    assert {"a": Values((0.1, 0.2, 0.2, 0.3), 0)} == values
    line = ecdf_figure(values, LOSS, STYLES).data[0]
    at = {x: max(y for u, y in zip(line.x, line.y, strict=True) if u == x) for x in line.x}
    assert {0.1: 0.25, 0.2: 0.75, 0.3: 1.0} == at


@pytest.mark.parametrize(("metric", "shares"), [(ACCURACY, [0.5, 0.75, 1.0]), (LOSS, [0.0, 0.25, 0.5])])
def test_a_diverged_trial_counts_and_has_no_value(metric, shares):
    """Its stored worst value is in no curve; it is a part of the share on the bad side."""
    failed = [trial(n, "a", 0.1, stop_reason="diverged") for n in (7, 8)]
    values = values_by_family([trial(0, "a", 0.5), trial(1, "a", 0.6), *failed], metric)
    line = ecdf_figure(values, metric, STYLES).data[0]
    assert shares == list(line.y)
    assert 0.1 * metric.scale not in line.x
    assert ("a", 4, 2) == ecdf_table(values, metric).rows[0][:3]


@pytest.mark.parametrize("metric", [ACCURACY, LOSS], ids=["maximize", "minimize"])
def test_failed_trials_are_marked_at_the_bad_edge(metric):
    """A diverged trial is a cross where the axis ends, and no mark among the others."""
    trials = [trial(0, "a", 0.5), trial(1, "a", 0.6), trial(2, "a", 0.0, stop_reason="diverged")]
    drawn = history_figure([history_data(trials, metric)], metric, STYLES)
    cross = next(trace for trace in drawn.data if trace.name == "failed")
    assert ([2], [drawn.layout.yaxis.range[0 if metric.maximize else 1]]) == (list(cross.x), list(cross.y))
    assert [0, 1] == list(drawn.data[0].x)
