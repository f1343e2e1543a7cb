"""The score of a command that never reports: a file of its own, or what it wrote to its output."""

from __future__ import annotations

import json
import re
from pathlib import Path

from lrsearch.errors import InputError
from lrsearch.runs.command.lines import json_number
from lrsearch.text import as_number


def read_score(path: Path) -> float:
    """Return the score that a script has written, as in {"score": 0.5}.

    Raises:
        InputError: if it is not there.
    """
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        return json_number("score", said["score"])
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise InputError(f'{path.name} must hold a score, as in {{"score": 0.5}}: {error}') from error


def find_score(pattern: str, output: str) -> float:
    """Return the last score in what a command has written.

    Args:
        pattern: a regular expression whose first group is the score.
        output: what it has written.

    Raises:
        InputError: if there is none.
    """
    matches = list(re.finditer(pattern, output, re.MULTILINE))
    if not matches:
        raise InputError(f"score_pattern {pattern!r} is not in the last lines that it wrote")
    try:
        return as_number(matches[-1][1] or "")  # a group may be absent
    except ValueError as error:
        raise InputError(f"score_pattern {pattern!r} must find a number, got {matches[-1][1]!r}") from error
