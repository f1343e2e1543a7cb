"""Numbers and names as the four lines write them."""

import pytest

from lrsearch.comparison.words.amounts import count_in_words, first_names, rounded, score, size
from tests.comparison.examples import compare, table


@pytest.mark.parametrize(
    ("value", "scale", "text"),
    [
        (0.0342, 0.034, "0.034"),
        (0.342, 0.34, "0.34"),
        (91.26, 3.4, "91.3"),
        (91.26, 34, "91"),
        (1.0, 0.0, "1.00"),
        (1.0, float("nan"), "1.00"),
        (1.0123e-12, 7.5e-14, "1.012e-12"),
        (1 + 1e-10, 1e-10, "1.0000000001"),
        (0.0, 1e-12, "0.00000000"),
    ],
)
def test_a_number_has_the_digits_of_its_scale(value, scale, text) -> None:
    """Two of them; beyond 8 decimals they are counted from the first digit, so that small numbers do not become 0."""
    assert text == rounded(value, scale)


def test_points_are_a_percentage_and_differences_have_their_unit() -> None:
    """As the first and the second line say them."""
    compared = compare(table())
    assert "90.43 % ± 0.27" == score(compared, "cosine")
    assert "0.34 points" == size(compared, 0.3377)


def test_few_are_counted_in_words_and_many_names_are_cut() -> None:
    """Up to twelve, and up to four."""
    assert ["no", "twelve", "13"] == [count_in_words(count) for count in (0, 12, 13)]
    assert ["`a`, `b`", "`a`, `b`, `c`, `d`, ..."] == [first_names("ab"), first_names("abcde")]
