"""Learning curves as they are drawn."""

import pytest

from lrsearch.metric import Metric
from lrsearch.report import style
from lrsearch.report.curves import learning_data
from lrsearch.report.figures.learning import candidate_figure, candidate_table, overview_figure, overview_table
from lrsearch.report.style import styles
from tests.report.report_helpers import EPOCHS, curve, trial

ACCURACY = Metric()
STYLES = styles(list("abcdef"))


@pytest.mark.parametrize(("test", "part"), [(True, "test"), (False, "holdout")])
def test_curves_show_the_test_set_only_where_it_was_read_every_epoch(test, part):
    """Without a test curve the holdout is shown, which nothing was chosen by."""
    candidate = learning_data("a", [trial(0, "a", 0.8, curve=curve(0.8, test=test))], epochs=EPOCHS, metric=ACCURACY)
    assert candidate is not None
    assert part == candidate.part
    assert any(trace.name == f"{part} loss" for trace in candidate_figure(candidate, STYLES["a"]).data)


def test_tables_end_at_the_last_epoch():
    """The table beside the curve ends with the last epoch's means and rate."""
    candidate = learning_data("a", [trial(0, "a", 0.8), trial(1, "a", 0.9)], epochs=EPOCHS, metric=ACCURACY)
    assert candidate is not None
    assert (str(EPOCHS), "0.250", "0.250", "85.00", "0.1000") == candidate_table(candidate, ACCURACY).cells[-1]
    assert ("a", "2", "85.00", "7.07", "0.2500", "0.2500") == overview_table([candidate], ACCURACY).cells[0]


def test_a_run_of_one_epoch_is_a_mark():
    """A line through one point would not be seen."""
    candidate = learning_data("a", [trial(0, "a", 0.8, curve=curve(0.8, 1))], epochs=1, metric=ACCURACY)
    assert candidate is not None
    drawn = overview_figure([candidate], ACCURACY, STYLES, ["a"]).data
    assert ["markers"] == [trace.mode for trace in drawn if trace.showlegend is None]


@pytest.mark.parametrize(("recommended", "bands"), [("ba", 2), ("abcde", 1)])
def test_the_recommended_are_drawn_in_colour_and_the_others_in_grey(recommended, bands):
    """A few have their bands and of many the preferred one alone; the others are thin lines outside the legend."""
    candidates = [
        learning_data(n, [trial(0, n, 0.8), trial(1, n, 0.9)], epochs=EPOCHS, metric=ACCURACY) for n in "abcdef"
    ]
    drawn = overview_figure([c for c in candidates if c], ACCURACY, STYLES, list(recommended)).data
    named = {trace.name for trace in drawn if trace.showlegend is None}
    assert set(recommended) == named
    assert bands == sum(trace.fill == "toself" for trace in drawn)
    grey = [trace for trace in drawn if trace.name not in named and trace.fill is None]
    assert set("abcdef") - named == {trace.name for trace in grey}
    assert {style.translucent(style.NEUTRAL, 0.5)} == {trace.line.color for trace in grey}


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_a_failed_run_is_marked_at_the_edge_where_it_ended(direction):
    """One that diverged, and one far beyond the others; where more is better the lower edge is the bad one."""
    metric = Metric(direction=direction)
    values = [0.8, 0.81, 0.82, 0.83, 0.1 if direction == "maximize" else 3.0]
    runs = [trial(number, "a", value) for number, value in enumerate([0.8] * 20 + values)]
    runs.append(trial(30, "a", 0.8, stop_reason="diverged", curve=curve(0.8, 1)))
    candidate = learning_data("a", runs, epochs=EPOCHS, metric=metric)
    assert candidate is not None
    drawn = overview_figure([candidate], metric, STYLES, ["a"])
    cross, (low, high) = drawn.data[-1], drawn.layout.yaxis.range
    assert ("failed", [EPOCHS, 1]) == (cross.name, list(cross.x))
    assert {low if direction == "maximize" else high} == set(cross.y)
