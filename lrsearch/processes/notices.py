"""One line for a person about something that the search has dealt with by itself."""

from __future__ import annotations

import sys


def notice(message: str) -> None:
    """Print one line to standard error."""
    print(f"lrsearch: {' '.join(message.split())}", file=sys.stderr, flush=True)
