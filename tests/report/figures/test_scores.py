"""The scores, as boxes and by block."""

import numpy as np

from lrsearch.report.figures.scores import box_table, paired_table, scores_data
from tests.report.report_helpers import comparison

NAMES = ("constant", "step", "cosine", "rex")


def test_score_tables_hold_the_scores():
    """The table of blocks holds every score to two decimals, and the five numbers are NumPy's quantiles."""
    compared = comparison(NAMES)
    data = scores_data(compared)
    shown = np.array([[float(cell) for cell in row[1:]] for row in paired_table(data).rows])
    np.testing.assert_allclose(shown, data.scores, atol=0.00501)
    median = [float(row[3]) for row in box_table(data).rows]
    np.testing.assert_allclose(median, np.median(data.scores, axis=0), atol=0.00501)
