"""Numbers and names as the four lines write them."""

import pytest

from lrsearch.comparison.words.amounts import count_in_words, decimals_of, first_names, score, size
from tests.comparison.examples import compare, table


@pytest.mark.parametrize(
    ("scale", "decimals"), [(0.034, 3), (0.34, 2), (3.4, 1), (34, 0), (0.0, 2), (float("nan"), 2), (1e-12, 8)]
)
def test_a_number_has_two_digits(scale, decimals) -> None:
    """Within 0 to 8 decimals."""
    assert decimals == decimals_of(scale)


def test_points_are_a_percentage_and_differences_have_their_unit() -> None:
    """As the first and the second line say them."""
    compared = compare(table())
    assert "90.43 % ± 0.27" == score(compared, "cosine")
    assert "0.34 points" == size(compared, 0.3377)


def test_few_are_counted_in_words_and_many_names_are_cut() -> None:
    """Up to twelve, and up to four."""
    assert ["no", "twelve", "13"] == [count_in_words(count) for count in (0, 12, 13)]
    assert ["`a`, `b`", "`a`, `b`, `c`, `d`, ..."] == [first_names("ab"), first_names("abcde")]
