"""A table of rates as a schedule."""

import json

import numpy as np
import pytest

import lrsearch
from lrsearch.errors import InputError
from lrsearch.schedules import Schedule, make_schedule, schedule_from_params
from lrsearch.schedules.fixed.tabulated import MOST_RATES

PAIRS = [(0, 0.1), (2, 0.3), (5, 0.0)]


def test_one_rate_for_each_update_is_used_as_it_is() -> None:
    """To the bit, also where a rate over the peak and back would be rounded; the last one stays."""
    given = make_schedule("cosine", total_steps=97, base_lr=0.3, final_lr=0.007).lr(np.arange(97))
    schedule = lrsearch.tabulated(given)
    assert isinstance(schedule, Schedule)
    assert given.tolist() == schedule.lr(np.arange(97)).tolist()
    assert given[-1] == schedule.lr(97) == schedule.lr(1000)
    assert given.max() == schedule.base_lr
    np.testing.assert_allclose(schedule.factor(np.arange(97)), given / 0.3, rtol=1e-15)


def test_pairs_hold_until_the_next() -> None:
    """A step before the next pair has the rate of the last one; a rate may be 0."""
    schedule = lrsearch.tabulated(PAIRS, total_steps=7)
    assert [0.1, 0.1, 0.3, 0.3, 0.3, 0.0, 0.0] == schedule.lr(np.arange(7)).tolist()
    assert [0.1] * 4 == lrsearch.tabulated([(0, 0.1)], total_steps=4).lr(np.arange(4)).tolist()


@pytest.mark.parametrize("schedule", [lrsearch.tabulated([0.1, 0.3, 0.2]), lrsearch.tabulated(PAIRS, total_steps=9)])
def test_it_survives_json_and_another_length(schedule) -> None:
    """params() is plain JSON; k times as long it has at step k t the rate of step t, and one step is long enough."""
    again = schedule_from_params(json.loads(json.dumps(schedule.params())))
    assert schedule == again
    assert hash(schedule) == hash(again)
    steps = np.arange(schedule.total_steps)
    assert schedule.lr(steps).tolist() == schedule.scaled_to(3 * len(steps)).lr(3 * steps).tolist()
    assert schedule.scaled_to(len(steps)) == schedule
    assert schedule.scaled_to(1).total_steps == 1


def test_a_shorter_run_drops_what_falls_together() -> None:
    """Of two rates that begin at the same step the later one holds."""
    short = lrsearch.tabulated([0.4, 0.3, 0.2, 0.1]).scaled_to(2)
    assert [0.3, 0.2] == short.lr(np.arange(2)).tolist()


@pytest.mark.parametrize(
    ("rates", "total_steps", "complaint"),
    [
        ([0.1, -0.1], None, r"rates must be .* >= 0, got -0.1 at place 1"),
        ([0.1, float("nan")], None, r"got nan at place 1"),
        ([0.1, 0.2], 3, r"one for each of the 3 steps of the run, got 2"),
        ([0.0, 0.0], None, r"must hold one above 0"),
        ([], None, r"got \[\]|got \(\)"),
        (["a"], None, r"rates must be numbers"),
        ([[0.1, 0.2, 0.3]], None, r"\[steps\] or \[pairs, 2\], got \[1, 3\]"),
        (PAIRS, None, r"total_steps must be given"),
        (PAIRS, 4, r"boundaries must be at most total_steps = 4"),
        ([(1, 0.1)], 4, r"steps must begin at 0, got 1"),
        ([(0, 0.1), (3, 0.1), (3, 0.2)], 4, r"numbers that rise, got 3 after 3"),
        ([(0, 0.1), (1.5, 0.1)], 4, r"numbers that rise, got 1.5 after 0"),
        (np.full(MOST_RATES + 1, 0.1), None, r"at most 100000, got 100001: give step,rate pairs"),
    ],
)
def test_what_is_no_table_of_the_run_is_refused(rates, total_steps, complaint) -> None:
    """In one line that names the rule and what was given."""
    with pytest.raises(InputError, match=complaint) as raised:
        lrsearch.tabulated(rates, total_steps=total_steps)
    assert len(str(raised.value)) < 200


def test_it_takes_no_warm_up() -> None:
    """Its rates are complete."""
    with pytest.raises(InputError, match="warmup_steps of tabulated must be 0"):
        make_schedule("tabulated", total_steps=2, base_lr=0.1, rates=[0.1, 0.1], warmup_steps=1)
