"""How often one run beats another."""

import numpy as np

from lrsearch.report.figures.better import better_figure, better_table
from tests.report.report_helpers import comparison, scores

NAMES = ("constant", "step", "cosine", "rex")


def test_p_better_matrix_is_ordered_by_means_and_complementary():
    """P(A > B) and P(B > A) sum to 1 in the drawn matrix, and its first row is the best mean."""
    compared = comparison(NAMES, scores=scores(4, spread=0.1))
    drawn = better_figure(compared).data[0]
    matrix = np.array([[np.nan if v is None else v for v in row] for row in drawn.z], dtype=float)
    off = ~np.eye(4, dtype=bool)
    np.testing.assert_allclose((matrix + matrix.T)[off], 1.0)
    assert NAMES[int(np.argmax(compared.means.mean))] == drawn.y[0]
    assert 6 == len(better_table(compared).rows)
