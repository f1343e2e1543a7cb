"""Whether two comparisons separate the same pairs."""

from __future__ import annotations

import numpy as np
import pytest

from lrsearch.comparison.agreement import agreement
from lrsearch.errors import InputError
from tests.comparison.examples import compare, table
from tests.comparison.simulations import draw_scores


def test_two_comparisons_agree_or_not_pair_by_pair():
    """Pairs are counted as separated alike, opposite, in one comparison only, or in none."""
    rng = np.random.default_rng(4)
    short = compare(draw_scores(rng, 12, 4, shift=[0.0, 1.0, 2.0, 2.0], sd=0.1))
    long = compare(draw_scores(rng, 12, 4, shift=[1.0, 0.0, 2.0, 2.5], sd=0.1))
    agreed = agreement(short, long)
    expected = (4, 1, 1, 0)
    assert expected == (agreed.same, agreed.opposite, agreed.one_only, agreed.neither)
    assert -1 <= agreed.kendall_tau < 1
    with pytest.raises(InputError, match="same families"):
        agreement(short, compare(table(), ["a", "b", "c", "d"]))
