"""Text that is safe to show, and what was probably meant."""

import pytest

from lrsearch.text import did_you_mean, plain


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("größe = 3 · π", "größe = 3 · π"),
        ("\x1b[31mred\x1b[0m", "?[31mred?[0m"),
        ("one\ntwo\ttab\r", "one?two?tab?"),
        ("left\u202eright\u200b", "left?right?"),
        ("", ""),
    ],
)
def test_what_a_terminal_would_obey_is_replaced(given, shown) -> None:
    """Every sign of control becomes one question mark, so that the length stays."""
    assert (shown, len(given)) == (plain(given), len(shown))


def test_the_likeliest_word_is_named() -> None:
    """Where none is near, all that are choose from listed; an iterator will do."""
    assert "; did you mean 'cosine'?" == did_you_mean("cosin", ["linear", "cosine", "constant"])
    assert "; choose from linear, cosine" == did_you_mean("xyz", iter(["linear", "cosine"]))
