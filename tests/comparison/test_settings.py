"""What is decided before a score is seen, and what may be claimed."""

from __future__ import annotations

import numpy as np
import pytest

from lrsearch.comparison.settings import Settings, make_claim, require_claim
from lrsearch.errors import InputError
from tests.comparison.examples import compare
from tests.comparison.simulations import draw_scores


def test_one_search_never_speaks_of_families():
    """C10: the claim of one search is about its configurations, and its verdict has no word of families."""
    scores = draw_scores(np.random.default_rng(7), 10, 4, shift=[0.0, 0.1, 0.5, 1.0])
    scores[3, 0] = 10.0
    claim = make_claim(1, trials=20, sampler="TPE")
    text = compare(scores, claim=claim, chance=10.0).verdict_text.lower()
    assert "famil" not in text
    assert "these configurations" in text
    wrong_claim = make_claim(2, trials=20, sampler="TPE")
    assert "these families, tuned with 20 trials by TPE" in compare(scores, claim=wrong_claim).verdict_text
    assert make_claim(12) == "these families"


@pytest.mark.parametrize("claim", ["cosine wins", "these configurations and their families"])
def test_other_claims_are_refused(claim):
    """A claim is about these configurations or these families, and about one of them only."""
    with pytest.raises(InputError, match="claim"):
        require_claim(claim)


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"failed_at": float("nan")}, "failed_at must be a finite score, got nan"),
        ({"claim": "cosine wins"}, "claim must begin with"),
    ],
)
def test_a_setting_outside_its_rule_is_refused(values, complaint):
    """Before any score is seen."""
    with pytest.raises(InputError, match=complaint):
        Settings(rope=0.3, **values)


def test_one_sided_tests_need_a_reference():
    """Of all pairs none is the better one beforehand."""
    with pytest.raises(InputError, match=r"one_sided \(--one-sided\) needs one family"):
        Settings(rope=0.3, one_sided=True)
