"""The scores, as boxes and by block."""

import numpy as np

from lrsearch.metric import ACCURACY
from lrsearch.report.figures.scores import Scores, box_figure, box_table, paired_figure, paired_table, scores_data
from lrsearch.report.style import styles
from tests.report.report_helpers import comparison

NAMES = ("constant", "step", "cosine", "rex")


def test_score_tables_hold_the_scores():
    """The table of blocks holds every score to two decimals, and the five numbers are NumPy's quantiles."""
    compared = comparison(NAMES)
    data = scores_data(compared)
    shown = np.array([[float(cell) for cell in row[1:]] for row in paired_table(data, compared.settings.metric).rows])
    np.testing.assert_allclose(shown, data.scores, atol=0.00501)
    median = [float(row[3]) for row in box_table(data, compared.settings.metric).rows]
    np.testing.assert_allclose(median, np.median(data.scores, axis=0), atol=0.00501)


def test_failed_runs_are_marked_at_the_edge():
    """A run without a score and one far below all others are crosses at the left end and enter no number."""
    data = Scores(("a", "b"), np.array([[90.0, 91.0], [90.5, np.nan], [91.0, 90.5], [90.2, 90.8], [90.4, 12.0]]))
    for drawn in (box_figure(data, ACCURACY, styles("ab")), paired_figure(data, ACCURACY)):
        cross = next(trace for trace in drawn.data if trace.name == "failed")
        left = drawn.layout.xaxis.range[0]
        assert 12 < left < 90
        assert ([left], ["b"]) == (list(cross.x), list(cross.y))
        assert ("2 failed or far below",) == cross.text
    assert 1 == box_table(data, ACCURACY).rows[1][-1]
    mean = next(trace for trace in paired_figure(data, ACCURACY).data if trace.name == "mean")
    np.testing.assert_allclose(mean.x[0], 90.42)
