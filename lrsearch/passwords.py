"""Passwords in addresses: located in every form, and kept out of every message, also of other people's code."""

from __future__ import annotations

import re
from urllib.parse import unquote, unquote_plus

_PLACES = (
    re.compile(
        r"((?:://(?!/)|^(?!sqlite|journal)[^:/]*:/{3,})[^:]*:)(.+)(?=@)", re.DOTALL
    ),  # user:password@host; each may hold an @, so the last counts
    re.compile(r"(^[^:?]*:)(?!//)(.+)(?=@)", re.DOTALL),  # the kind or its colon forgotten: user:password@host
    re.compile(r"(://[^:/?]*:)([^/?@]*[^/?@\d][^/?@]*)(?=$|[/?])"),  # the host forgotten: a port that is none
    re.compile(r"((?:^|[?&;\s]|%20)\w*(?:password|passwd|pwd|secret|token)\w*(?:=|%3D))([^&;\s]*)", re.IGNORECASE),
)
_SHORTEST = 3
"""Characters of a password that is looked for in other people's messages; a shorter one would hide half of them."""


def redacted(url: str) -> str:
    """Return a storage address without its password, however badly it is written."""
    for place in _PLACES:
        url = place.sub(r"\1***", url)
    return url


def without_passwords(text: str) -> str:
    """Return other people's text without the passwords of the addresses in it."""
    return re.sub(r"\S+://\S+", lambda address: redacted(address[0]), text)


def described(error: BaseException) -> str:
    """Return an error of other people's code as a part of a sentence: its kind and what it says, without passwords."""
    try:
        said = without_passwords(str(error))
    except Exception:  # a person's own exception may raise anything
        said = "it cannot say what it is"
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def without_secrets(text: str, url: str) -> str:
    """Return a message about a storage address without the password of that address, quoted or not."""
    text = text.replace(url, redacted(url))
    for secret in sorted(_secrets(url), key=len, reverse=True):
        text = text.replace(secret, "***") if len(secret) >= _SHORTEST else text
    return text


def _secrets(url: str) -> set[str]:
    """Return the passwords of an address and their parts, as written and as a driver reads them."""
    whole = {match[2] for place in _PLACES for match in place.finditer(url)}
    pieces = whole | {part for secret in whole for part in re.split("[@:/]", secret)}
    return {read(secret) for secret in pieces for read in (str, unquote, unquote_plus)}
