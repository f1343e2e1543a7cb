"""Text of any origin, made safe to show."""

from __future__ import annotations


def plain(text: str) -> str:
    """Return text without what a terminal or a page obeys: control characters, escapes, marks of writing direction."""
    return "".join(character if character.isprintable() else "?" for character in text)
