"""Too few paired blocks: the number that would be enough."""

import numpy as np
import pytest

from lrsearch.comparison.compare import ScoreTable
from lrsearch.comparison.settings import Settings
from lrsearch.comparison.unjudged import show_few_blocks


def _of(scores: np.ndarray) -> ScoreTable:
    return ScoreTable(scores, ("a", "b"), np.isnan(scores), tuple(map(str, range(len(scores)))))


@pytest.mark.parametrize(("sd", "number"), [(0.01, "about 6"), (0.2, "about 1"), (50.0, "more than 1,000")])
def test_the_blocks_that_would_be_enough_grow_with_the_scatter(sd, number) -> None:
    """At least the 6 that can be judged; beyond 1,000 no number is named."""
    scores = 90 + sd * np.array([[0.1, -0.2], [1.0, 0.3], [-0.9, 0.6], [0.2, -1.0]])
    shown = show_few_blocks(_of(scores), Settings(rope=0.3))
    assert f"by the scatter of these few {number}" in shown.verdict_text
    assert "not tested" == shown.pairs.verdict[0, 1]


def test_a_failed_run_is_counted_among_few_blocks_too() -> None:
    """It is named in the table of the families."""
    scores = np.array([[90.0, 91.0], [89.0, 10.0], [90.5, 91.5]])
    shown = show_few_blocks(_of(scores), Settings(rope=0.3, failed_at=50.0))
    assert [("b", 1, 3)] == [(f.family, f.runs.count, f.runs.total) for f in shown.failures]


def test_few_blocks_with_a_diverged_run_name_no_number() -> None:
    """Of two families one has no score in a block: nothing says how far they scatter."""
    shown = show_few_blocks(_of(np.array([[90.0, np.nan], [89.0, 88.0], [90.5, 91.5]])), Settings(rope=0.3))
    assert shown.verdict_text.endswith("a verdict needs at least 6.")
    assert [("b", 1)] == [(f.family, f.diverged) for f in shown.failures]
