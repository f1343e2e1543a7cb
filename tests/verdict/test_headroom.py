"""What the named families leave to the free form."""

import numpy as np
import pytest

from tests.confirmation_examples import config_of, noisy, stored, verdict_of

FAMILIES = ["constant", "cosine", "spline"]
NAMED = {"constant": noisy(88.0, 10), "cosine": noisy(90.0, 10)}


def _verdict(storage, spline, **attributes):
    config = config_of(search={"families": FAMILIES, "trials": 28})
    return verdict_of(stored(storage, config, {**NAMED, "spline": spline}, **attributes))


@pytest.mark.parametrize(("searches", "end"), [(1, "; one search stands behind it, so this is descriptive."), (3, ".")])
def test_the_best_named_family_is_held_against_the_free_form(storage, searches, end) -> None:
    """One contrast with its own interval; the free form is not among what is compared or recommended."""
    gain = noisy(0.5, 10, sd=0.1)
    verdict = _verdict(storage, (np.array(NAMED["cosine"]) + gain).tolist(), searches=searches)
    assert set(verdict.comparison.families) == {"constant", "cosine"}
    assert ("cosine",) == tuple(verdict.comparison.recommended)
    assert verdict.headroom.startswith(f"The best named family, cosine, leaves {np.mean(gain):.2f} points (0.")
    assert verdict.headroom.endswith(f"to the best free form found{end}")
    assert verdict.headroom == verdict.to_dict()["headroom"]


def test_what_has_another_optimizer_is_no_named_curve(storage) -> None:
    """It may be the best of all, and still says nothing of curves."""
    config = config_of(search={"families": ["cosine", "schedule_free", "spline"], "trials": 21})
    scores = {"cosine": NAMED["cosine"], "schedule_free": noisy(93.0, 10), "spline": noisy(91.0, 10)}
    verdict = verdict_of(stored(storage, config, scores))
    assert ("schedule_free",) == verdict.comparison.recommended
    assert verdict.headroom.startswith("The best named family, cosine, leaves ")


def test_a_free_form_that_diverged_leaves_it_unknown(storage) -> None:
    """And without a free form nothing is said."""
    verdict = _verdict(storage, [*noisy(91.0, 9), float("inf")])
    assert "is not known: a run of one of them diverged" in verdict.headroom
    assert "" == verdict_of(stored(storage, config_of(), NAMED, name="other/confirm")).headroom
