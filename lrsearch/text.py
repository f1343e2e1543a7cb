"""Text: made safe to show, and what was probably meant by a word."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def plain(text: str) -> str:
    """Return text without what a terminal or a page obeys: control characters, escapes, marks of writing direction."""
    return "".join(character if character.isprintable() else "?" for character in text)


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` for the likeliest of `choices`, or the list of them all."""
    choices = list(choices)
    close = difflib.get_close_matches(word, choices, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; choose from {', '.join(choices)}"
