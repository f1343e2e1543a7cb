"""Text that is safe to show, times in few characters, and what was probably meant."""

import pytest

from lrsearch.text import counted, did_you_mean, plain, short_time, time_in_words


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


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (8.4, "8 s"), (99.4, "99 s"), (99.6, "2 min"), (720, "12 min"), (3 * 3600 + 300, "3:05 h")],
)
def test_times_are_said_as_people_say_them(seconds, words) -> None:
    """Seconds, then minutes, then hours and minutes."""
    assert words == short_time(seconds)


@pytest.mark.parametrize(
    ("number", "noun", "words"),
    [
        (1, "trial", "1 trial"),
        (0, "finished trial", "0 finished trials"),
        (2, "epoch", "2 epochs"),
        (2, "process", "2 processes"),
        (2, "search", "2 searches"),
        (1250, "family", "1,250 families"),
    ],
)
def test_things_are_counted(number, noun, words) -> None:
    """One of them has no plural."""
    assert words == counted(number, noun)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.7, "1 second"), (40, "40 seconds"), (700, "12 minutes"), (3600, "60 minutes"), (7600, "2.1 hours")],
)
def test_times_are_written_out_in_round_numbers(seconds, words) -> None:
    """One of them in the singular."""
    assert words == time_in_words(seconds)
