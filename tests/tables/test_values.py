"""How a value is written: what it is decides how it looks."""

import math

import pytest

from lrsearch.tables import Interval, Points, PValue, Share, number, text


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.123456, "0.1235"),
        (12, "12"),
        (1e-05, "1e-05"),
        (-0.5, "-0.5"),
        (None, "-"),
        (math.nan, "-"),
        (math.inf, "inf"),
        (True, "yes"),
        (Points(0.8312), "83.12"),
        (Share(0.052), "5 %"),
        (PValue(0.01234), "0.0123"),
        (PValue(0.00001), "< 0.0001"),
        (Interval(1, 3), "1 to 3"),
        (Interval(math.nan, 3.0), "-"),
        ({"base_lr": 0.1, "milestones": (3, 5)}, "base_lr=0.1, milestones=3, 5"),
        ({}, "-"),
        ((), "-"),
        ("a\x1b[31mb", "a?[31mb"),
    ],
)
def test_each_kind_of_value_is_written_in_one_way(value, written) -> None:
    """Numbers with four significant digits, a dash for what is missing, nothing that a terminal obeys."""
    assert written == text(value)


def test_decimals_and_signs_are_given() -> None:
    """Fractional numbers follow them, and whole numbers stay whole."""
    assert ("+0.50", "-0.12", "+3") == tuple(number(v, decimals=2, signed=True) for v in (0.5, -0.123, 3))
    assert "-0.50 to +0.25" == text(Interval(-0.5, 0.25), decimals=2, signed=True)
