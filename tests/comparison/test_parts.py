"""The parts of a comparison, whose arrays cannot be changed."""

import pytest

from tests.comparison.examples import compare, table


def test_a_comparison_cannot_be_changed():
    """All arrays are read-only copies."""
    scores = table()
    compared = compare(scores)
    scores[:] = 0
    assert compared.scores.mean() > 80
    with pytest.raises(ValueError, match="read-only"):
        compared.p[0, 1] = 0
