"""The t martingale: its published values, and that looking at every run does not make errors."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from lrsearch.comparison.inference.sequential import paired_looks, unpaired_looks

DIFFERENCES = np.array([0.6, 0.2, 0.9, 0.5, 0.7, 0.3, 0.8, 0.4, 0.6, 0.5])
E_VALUES = {3: 1.955177, 5: 9.736420, 6: 16.691352, 7: 42.968045, 10: 876.816942}
HALF_WIDTHS = {3: np.inf, 5: 0.978527, 6: 0.574461, 7: 0.449589, 10: 0.265926}


def test_paired_looks_have_their_reference_values() -> None:
    """To six digits; the first call is at the seventh pair."""
    looks = {look.runs[0]: look for look in paired_looks(DIFFERENCES, 0.05)}
    assert list(range(3, 11)) == list(looks)
    for n, e_value in E_VALUES.items():
        assert looks[n].e_value == pytest.approx(e_value, abs=6e-7)
        assert looks[n].half_width == pytest.approx(HALF_WIDTHS[n], abs=6e-7)
    assert 7 == next(n for n, look in looks.items() if look.low > 0)
    assert (looks[7].low, looks[7].high) == pytest.approx((0.121840, 1.021017), abs=6e-7)


def test_unpaired_looks_have_their_reference_values() -> None:
    """Welch's standard error and degrees of freedom."""
    scores = np.array([1.6, 1.2, 1.9, 1.5, 1.7, 1.3, 1.8, 0.4, 0.9, 0.6, 0.2, 0.8])
    looks = unpaired_looks(scores, np.arange(12) < 7, 0.05)
    assert [(7, 3), (7, 4), (7, 5)] == [look.runs for look in looks]
    compared = (looks[-1].difference, looks[-1].e_value, looks[-1].half_width)
    assert compared == pytest.approx((0.991429, 38.705091, 0.779213), abs=6e-7)


def test_a_look_rejects_exactly_where_its_interval_excludes_zero() -> None:
    """E reaches 1/alpha where the interval of the same look leaves 0."""
    rng = np.random.default_rng(0)
    for look in paired_looks(rng.normal(0.6, 1.0, 60), 0.05):
        assert (look.e_value >= 20) == (abs(look.difference) >= look.half_width)


def test_p_and_the_intervals_only_tighten() -> None:
    """What a look has decided, later looks keep, unless they contradict it."""
    looks = paired_looks(np.random.default_rng(1).normal(0.3, 1.0, 80), 0.05)
    for before, after in pairwise(looks):
        assert after.p <= before.p
        assert (before.low, after.high) <= (after.low, before.high)


def test_runs_without_scatter_say_nothing() -> None:
    """E is 1 and the interval infinite: the same run stored twice is no evidence."""
    (look,) = paired_looks(np.full(3, 0.5), 0.05)
    assert (1.0, np.inf, 1.0) == (look.e_value, look.half_width, look.p)
    assert () == paired_looks(np.array([0.5, 0.6]), 0.05)


def _separates(rng, paired: bool) -> bool:
    a, b = rng.normal(size=(2, 25)) * [[1.0], [1.0 if paired else 3.0]]
    if paired:
        looks = paired_looks(a - b, 0.05)
    else:
        looks = unpaired_looks(np.ravel([a, b], order="F"), np.arange(50) % 2 == 0, 0.05)
    return any(look.low > 0 or look.high < 0 for look in looks)


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("sequences", [30, pytest.param(4000, marks=pytest.mark.slow)])
def test_looking_after_every_run_errs_in_at_most_a_twentieth_of_the_sequences(sequences, paired) -> None:
    """Whole sequences without any difference, looked at from 3 to 25 runs; the t test at every look errs in a third."""
    rng = np.random.default_rng(2)
    errors = sum(_separates(rng, paired) for _ in range(sequences))
    assert errors <= stats.binom.ppf(0.999, sequences, 0.05)
