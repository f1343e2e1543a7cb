"""Text: made safe to show, times in words, and what was probably meant by a word."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable
from datetime import timedelta
from html import escape


def plain(text: str) -> str:
    """Return text without what a terminal or a page obeys: control characters, escapes, marks of writing direction."""
    return "".join(character if character.isprintable() else "?" for character in text)


def html_line(line: str) -> str:
    """Return a line as HTML, escaped, what stands between backticks as code."""
    parts = [escape(part) for part in plain(line).split("`")]
    return "".join(f"<code>{part}</code>" if place % 2 else part for place, part in enumerate(parts))


def as_number(written: str) -> float:
    """Return the number that a text says in the digits 0 to 9; Python takes those of any script, and 1_000.

    Raises:
        ValueError: if it is none.
    """
    return float(_ascii(written))


def as_whole_number(written: str) -> int:
    """Return the whole number that a text says, as `as_number`."""
    return int(_ascii(written))


def _ascii(written: str) -> str:
    if not written.isascii() or "_" in written:
        raise ValueError(f"not written in the digits 0 to 9: {written!r}")
    return written


def time_in_words(seconds: float) -> str:
    """Return a time as people say it, in round numbers.

    >>> time_in_words(40), time_in_words(700), time_in_words(7600), time_in_words(57_000), time_in_words(4e5)
    ('40 seconds', '12 minutes', '2.1 hours', '16 hours', '4.6 days')
    """
    units = (("seconds", 1, 90), ("minutes", 60, 90), ("hours", 3600, 72), ("days", 86_400, math.inf))
    unit, length = next((unit, length) for unit, length, most in units if seconds < most * length)
    amount = seconds / length
    decimals = 1 if length >= 3600 and amount < 9.95 else 0
    shown = f"{amount:,.{decimals}f}"
    return f"{shown} {unit.removesuffix('s') if shown == '1' else unit}"


def short_time(seconds: float) -> str:
    """Return a time in few characters: 8 s, 12 min, 3:05 h."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    if seconds < 99.5 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{str(timedelta(seconds=round(seconds / 60) * 60))[:-3]} h"


def counted(number: int, noun: str) -> str:
    """Return a number of things: 1 trial, 2 trials, 3 families, 4 processes.

    >>> counted(1, "trial"), counted(2, "family"), counted(1250, "process"), counted(0, "finished trial")
    ('1 trial', '2 families', '1,250 processes', '0 finished trials')
    """
    return f"{number:,} {noun if number == 1 else plural(noun)}"


def plural(noun: str) -> str:
    """Return the plural of a noun, by the regular rules: epochs, searches, processes, families."""
    if noun.endswith("y"):
        return f"{noun[:-1]}ies"
    return f"{noun}{'es' if noun.endswith(('s', 'rch', 'tch', 'x')) else 's'}"


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` for the likeliest of `choices`, or the list of them all."""
    choices = list(choices)
    close = difflib.get_close_matches(word, choices, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; choose from {', '.join(choices)}"
