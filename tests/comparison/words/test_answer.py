"""The four lines: every kind of verdict has an answer."""

from dataclasses import replace

import numpy as np
import pytest

from lrsearch.comparison import Against, Groups
from lrsearch.comparison.words.answer import Background, answer_lines
from tests.comparison.examples import NAMES, compare, table
from tests.comparison.simulations import draw_scores


def _failing(*columns: int) -> np.ndarray:
    scores = table()
    scores[0, list(columns)] = 10.0
    return scores


def _equal(families: int) -> np.ndarray:
    return draw_scores(np.random.default_rng(11), 10, families)


LINES = [
    pytest.param(
        table(),
        {},
        (
            "Use `cosine`: 90.43 % ± 0.27, mean and SD of 10 blocks.",
            "one other (`rex`) is not shown worse; a gap of up to about 0.34 points from `cosine` to the best cannot",
            "against `constant` it is better (+0.34 points, 0.07 to 0.62), perhaps by less than the 0.30 points that",
            "among the two not known, and settling it takes about 19 blocks.",
            "Avoid: `linear` and `constant`, shown worse.",
        ),
        id="two are recommended, and one of the others is separated",
    ),
    pytest.param(
        draw_scores(np.random.default_rng(10), 12, 4, shift=(0, 0, 2, 0)),
        {},
        ("How sure: every other one is shown worse (p at most", "against `constant` yes (+2.01 points, "),
        id="one alone",
    ),
    pytest.param(
        _equal(4),
        {"rope": 0.2},
        ("No difference was found between the four, and none above", "take `", "Avoid: nothing: none is shown worse"),
        id="nothing is separated, and the gaps matter",
    ),
    pytest.param(
        _equal(4),
        {"rope": 2.0, "parameters": {"constant": 1, "linear": 2, "cosine": 2, "rex": 3}},
        (
            "Any of the four will do: no difference was found, and none above 0.29 points between two of them is left; "
            "take `constant`, the simplest: ",
            "among the four no (each is within 2.0 points of the best)",
        ),
        id="nothing is separated, and nothing matters",
    ),
    pytest.param(
        _failing(0, 1, 3),
        {"chance": 10.0},
        ("Use `cosine`: ", "the only one without a failed run", "nothing could be compared", "which failed once in 10"),
        id="one has no failed run",
    ),
    pytest.param(
        _failing(0, 1, 2, 3),
        {"chance": 10.0},
        (
            "Use none of these yet: every one has a failed run. To change: check",
            "How sure: a candidate with a failed run",
        ),
        id="every one has failed",
    ),
    pytest.param(
        np.array([0.5, 0.6, 0.6, 0.6]) + np.random.default_rng(0).normal(0, 0.01, (12, 4)),
        {"direction": "minimize", "unit": "nats", "rope": 0.02},
        ("Use `constant`: 0.4954 ± 0.0081 nats, mean and SD of 12 blocks.", "yes (better by 0.1", " nats, 0.0"),
        id="less is better",
    ),
    pytest.param(table(), {"contrasts": Against("rex")}, ("against `rex` ", "Avoid: "), id="each against one"),
    pytest.param(
        table(), {"contrasts": Groups({"flat": ["constant"], "falling": NAMES[1:]})}, ("Use `falling`: ",), id="groups"
    ),
]


@pytest.mark.parametrize(("scores", "options", "expected"), LINES)
def test_every_verdict_has_an_answer(scores, options, expected) -> None:
    """Four lines under their labels, each said whatever was found; printed, a comparison is these lines."""
    found = compare(scores, **options)
    assert ["How sure", "Does it matter", "Avoid"] == [line.partition(": ")[0] for line in found.lines[1:]]
    assert all(line.endswith(".") for line in found.lines)
    assert "nan" not in repr(found)
    assert "\n".join(found.lines) == repr(found)
    for part in expected:
        assert part in repr(found)


def test_the_users_own_schedule_is_what_must_be_beaten() -> None:
    """It is the reference even where it is not shown worse; where it wins, the best other one is set against it."""
    found = compare(table())
    assert "against `rex` " in answer_lines(found, Background(baselines=("rex",)))[2]
    assert "against `rex` " in answer_lines(found, Background(baselines=("cosine",)))[2]
    equal = compare(_equal(4), rope=2.0)
    assert f"take `{equal.preferred}`, your own: " in answer_lines(equal, Background(baselines=(equal.preferred,)))[0]


def test_without_a_test_set_the_answer_says_on_what_it_was_measured() -> None:
    """On the examples that chose the configurations as well."""
    compared = compare(table())
    settings = replace(compared.settings, held_out=False)
    how_sure = answer_lines(replace(compared, settings=settings), Background())[1]
    assert how_sure.endswith(", on the set that also chose them.")


def test_what_is_known_besides_scores_is_said() -> None:
    """Configuration, seeds, time, families without a trial, and what to change."""
    known = Background("fresh seeds", "base_lr 0.2", left_out=("step",), block_seconds=3600.0, advice="lower rates")
    use, _, matters, avoid = answer_lines(compare(table()), known)
    assert use.startswith("Use `cosine` (base_lr 0.2): ")
    assert use.endswith("of 10 fresh seeds.")
    assert "settling it takes about 9.5 hours on one process." in matters  # 19 blocks of two of the four candidates
    assert "; `step`, of which no trial was finished" in avoid
    failed = answer_lines(compare(_failing(0, 1, 2, 3), chance=10.0), known)[0]
    assert "To change: lower rates." in failed


def test_a_gap_that_is_left_is_the_limit_of_the_comparison() -> None:
    """The number of the second line is how far the preferred one may lie below the best."""
    found = compare(table(seed=1))
    gap = found.recommendation.gap_high[found.families.index(found.preferred)]
    assert f"about {gap:.2f} points" in found.lines[1]
