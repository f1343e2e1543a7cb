"""The standing shows whom no test separates."""

import itertools

import pytest

from lrsearch.comparison import Against
from lrsearch.report.figures.standing import standing_data, standing_figure, standing_table
from lrsearch.report.style import styles
from tests.report.report_helpers import comparison, scores

NAMES = ("constant", "step", "cosine", "rex")


@pytest.mark.parametrize("spread", [0.0, 0.15, 0.3, 2.0])
def test_families_share_a_line_and_a_letter_exactly_where_no_test_separates_them(spread):
    """Lines and letters say what the p-values of the pairs say, whether or not the families are neighbours."""
    compared = comparison([f"f{p}" for p in range(6)], scores=scores(6, spread=spread))
    data = standing_data(compared)
    order = [compared.families.index(name) for name in data.names]
    assert sorted(compared.means.mean[order], reverse=True) == list(data.means)
    lines = [set(line.x) for line in standing_figure(data, "accuracy", styles(data.names)).data[:-1]]
    shown = [set(row[2]) for row in standing_table(data, compared.settings).rows]
    for i, j in itertools.combinations(range(6), 2):
        together = bool(compared.p[order[i], order[j]] > 0.05)
        assert together == any({data.means[i], data.means[j]} <= line for line in lines)
        assert together == bool(shown[i] & shown[j])


def test_lines_need_every_pair():
    """With contrasts against a reference no line is drawn, because most pairs were not tested."""
    data = standing_data(comparison(NAMES, contrasts=Against("constant"), scores=scores(4, spread=0.0)))
    assert () == data.groups
    assert not data.complete
    assert 1 == len(standing_figure(data, "accuracy", styles(data.names)).data)
