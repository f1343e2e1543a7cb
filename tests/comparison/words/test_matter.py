"""The third line: whether a difference matters, and which way it points."""

import math

import numpy as np
import pytest

from lrsearch.comparison import compare_runs
from lrsearch.comparison.words.matter import _figures
from lrsearch.metric import Metric


@pytest.mark.parametrize(
    ("figures", "direction", "said"),
    [
        ((-0.09, -0.28, 0.10), "minimize", "(worse by 0.09 nats, 0.28 worse to 0.10 better)"),
        ((0.20, 0.10, 0.30), "minimize", "(better by 0.20 nats, 0.10 to 0.30)"),
        ((-0.20, -0.30, -0.10), "minimize", "(worse by 0.20 nats, 0.10 to 0.30)"),
        ((-0.20, -0.30, math.inf), "minimize", "(worse by 0.20 nats, at most 0.30 worse)"),
        ((-0.09, -0.28, 0.10), "maximize", "(-0.09 nats, -0.28 to 0.10)"),
        ((0.20, 0.10, math.inf), "maximize", "(+0.20 nats, 0.10 or more)"),
    ],
)
def test_a_difference_says_which_way_it_points(figures, direction, said) -> None:
    """Where less is better, a sign alone could mean either."""
    assert said == _figures(Metric("loss", direction, "nats"), *figures)


def test_only_the_single_recommended_one_is_better_than_what_is_shown_worse_than_the_best() -> None:
    """Worse than the best may be worse than a third one: that leaves the difference to this one open."""
    runs = {"a": [0.1, 0.5, 0.3], "b": [1.1, 1.4, 0.9, 1.2], "c": [1.0, 2.2, 0.4, 1.6, 3.1, 1.9]}
    known = {"rope": None, "metric": "score", "sigma": 0.5}
    two = compare_runs(runs, rng=np.random.default_rng(0), **known)
    assert ("b", ("b", "c")) == (two.preferred, two.recommended)
    assert "against `a` not known (+0.85, -0.05 to 1.75)" in two.lines[2]
    for rope in (None, 0.1):
        three = {"a": [0.0] * 3, "b": [0.9] * 3, "c": [0.1] * 3}
        one = compare_runs(three, rng=np.random.default_rng(0), **known | {"rope": rope})
        assert ("b",) == one.recommended
        assert "against `a` better, by how much is not known (+0.90, " in one.lines[2]
