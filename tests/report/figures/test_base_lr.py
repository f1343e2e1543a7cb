"""Scores against the rate, by family."""

import math

import pytest

from lrsearch.metric import Metric
from lrsearch.report.figures.base_lr import all_panels_figure, panel_figure, panel_table, panels_data
from lrsearch.report.style import edge, styles
from tests.report.report_helpers import trial

ACCURACY, LOSS = Metric(), Metric("loss", "minimize", "units")


def _at(number, family, rate, value, **changes):
    return trial(number, family, value, schedule={"family": family, "base_lr": rate}, **changes)


TRIALS = [
    _at(0, "rex", 0.1, 0.9),
    _at(1, "rex", 0.01, 0.8),
    _at(2, "rex", 0.3, 0.7, state="pruned"),
    _at(3, "rex", 1.0, 0.1, stop_reason="diverged"),
    _at(4, "cosine", 0.2, 0.85),
    _at(5, "cosine", 0.2, None, state="running"),
]


@pytest.mark.parametrize("metric", [ACCURACY, LOSS], ids=["maximize", "minimize"])
def test_every_finished_trial_is_drawn_once_on_shared_axes(metric):
    """Pruned ones are open, the diverged one is a cross at the bad edge, and the axes are those of the other panel."""
    panels = panels_data(TRIALS, metric)
    assert panels is not None
    styled = styles(["rex", "cosine"])
    drawn = panel_figure("rex", panels, metric, styled["rex"])
    by_name = {trace.name: trace for trace in drawn.data}
    assert ([0.1, 0.01], [90.0, 80.0]) == (
        list(by_name["complete"].x),
        [100 / metric.scale * y for y in by_name["complete"].y],
    )
    assert ((0.3,), styled["rex"].symbol + "-open") == (tuple(by_name["pruned"].x), by_name["pruned"].marker.symbol)
    end = edge(panels.values, maximize=metric.maximize)
    assert panels.values[:1] == tuple(by_name["pruned"].y)  # it lies beyond
    assert ([1.0], [end]) == (list(by_name["failed"].x), list(by_name["failed"].y))
    other = panel_figure("cosine", panels, metric, styled["cosine"])
    assert drawn.layout.xaxis.range == other.layout.xaxis.range
    assert drawn.layout.yaxis.range == other.layout.yaxis.range
    assert "2 complete, 1 pruned, 1 failed; the best first" == panel_table(panels.points["rex"], metric).title


def test_one_figure_holds_all_panels():
    """Each family has its own axes, under its name."""
    panels = panels_data(TRIALS, ACCURACY)
    assert panels is not None
    drawn = all_panels_figure(panels, ACCURACY, styles(["rex", "cosine"]), height=450)
    assert ["cosine", "rex"] == [note.text for note in drawn.layout.annotations]
    assert {"x", "x2"} == {trace.xaxis for trace in drawn.data}
    assert 5 == sum(len(trace.x) for trace in drawn.data)


def test_trials_without_a_rate_have_no_panel():
    """A table of rates has no base_lr, and a study of such alone has no chapter."""
    assert panels_data([trial(0, "a", 0.5, schedule={"family": "tabulated"})], ACCURACY) is None
    assert panels_data([_at(0, "a", math.inf, 0.5)], ACCURACY) is None
