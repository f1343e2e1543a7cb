"""The two pictures of the first page."""

import math

import numpy as np

from lrsearch.report.figures.first_page import curves_figure, narrower_limits, rivals, rivals_figure, winners
from lrsearch.report.rates import RateCurve
from lrsearch.report.style import styles
from tests.report.report_helpers import comparison

NAMES = ("rex", "linear", "cosine")


def test_recommended_rivals_stand_beside_the_preferred_one():
    """Two that differ by little are recommended, and the third is not there; the difference is to the preferred one."""
    table = np.random.default_rng(0).normal([[90.0, 90.05, 80.0]], 0.3, (8, 3))
    compared = comparison(NAMES, scores=table)
    assert {"rex", "linear"} == set(compared.recommended)
    (rival,) = rivals(compared)
    assert {"rex", "linear"} == {rival.name, compared.preferred}
    means = dict(zip(NAMES, table.mean(axis=0), strict=True))
    assert math.isclose(rival.difference, means[rival.name] - means[compared.preferred])
    assert rival.low < rival.difference < rival.high
    styled = styles(NAMES)
    (drawn,) = rivals_figure([rival], compared.settings, styled).data
    assert (styled[rival.name].colour, styled[rival.name].symbol) == (drawn.marker.color, drawn.marker.symbol)


def test_a_winner_that_stands_alone_is_shown_against_all_others():
    """Each of the others is worse than it, the better ones first."""
    rows = rivals(comparison(NAMES))
    assert ["linear", "rex"] == [row.name for row in rows]
    assert all(row.high < 0 for row in rows)


def test_an_interval_outside_the_band_is_explained_where_the_gap_is_inside():
    """The limit of the gap to the best is one-sided, and so it is narrower than the interval of a pair."""
    compared = comparison(NAMES, scores=np.random.default_rng(0).normal([[90.0, 90.05, 80.0]], 0.3, (8, 3)))
    (rival,) = rivals(compared)
    gap = compared.recommendation.gap_high[compared.families.index(rival.name)]
    assert gap < -rival.low
    for rope, explained in ((gap / 2, False), ((gap - rival.low) / 2, True), (-2 * rival.low, False)):
        table = np.random.default_rng(0).normal([[90.0, 90.05, 80.0]], 0.3, (8, 3))
        judged = comparison(NAMES, scores=table, rope=rope)
        assert explained == any(narrower_limits(judged, rivals(judged)))


def test_curves_that_are_not_recommended_are_grey():
    """Grey ones stay out of the legend, and the axis ends three decades below the highest rate."""
    flat = RateCurve(np.array([0.0, 1.0]), np.array([1.0, 1.0]), np.array([1.0]))
    drawn = curves_figure({"rex": [flat], "step": [flat]}, styles(NAMES), ["rex"], height=300)
    assert {"rex": None, "step": False} == {
        trace.name: trace.showlegend if trace.showlegend is False else None for trace in drawn.data
    }
    assert -3 == drawn.layout.yaxis.range[0]


def test_every_candidate_has_its_curve(source):
    """Confirmed candidates, fixed schedules included."""
    assert {run.family for run in source.confirmation} == set(winners(source))
