"""What is wrong with plain data that a person wrote, in one line: which key, in which table, and what was meant."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping

from pydantic import BaseModel, ValidationError

from lrsearch.text import did_you_mean, plain

_VALUES = (("int",), ("float",), ("literal['all']",))
"""What pydantic calls the alternatives to a table, as ends of a location."""


def shortened(value: object) -> str:
    """Return a value as an error shows it: quoted, and no longer than a line."""
    return _SHORT.repr(value)


_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 120


def explain(error: ValidationError, tables: Mapping[tuple[str, ...], type[BaseModel]]) -> str:
    """Say the first thing that is wrong in one line.

    Args:
        error: what pydantic found.
        tables: the model of each table, by its path; () is the whole document, and * stands for any name. Its keys
            are the valid ones.
    """
    # Where a value or a table may stand, a table that is wrong was not meant for a value.
    problems = [p for p in error.errors() if not (p["loc"][-1:] in _VALUES and isinstance(p["input"], dict))]
    # An unknown key goes first: what was meant by it is lacking too.
    problem = next((p for p in problems if p["type"] == "extra_forbidden"), problems[0])
    location = [p for p in problem["loc"] if (p,) not in _VALUES and not str(p).endswith("]")]
    table, key = tuple(p for p in location[:-1] if isinstance(p, str)), str(location[-1]) if location else ""
    where = f" in [{'.'.join(table)}]" if table else ""
    if problem["type"] == "extra_forbidden":
        model = tables.get(table) or tables.get((*table[:-1], "*"))
        keys = model.model_fields if model else ()
        return f"unknown key {shortened(key)}{where}{did_you_mean(key, keys)}"
    message = problem["msg"].removeprefix("Value error, ")
    message = message[0].lower() + message[1:]
    given = (
        f", got {shortened(problem['input'])}"
        if isinstance(problem["input"], str | int | float | None) and "got" not in message
        else ""
    )
    if not location:
        return message
    name = plain(".".join(map(str, location)))
    return f"{name if len(name) <= _SHORT.maxstring else shortened(name)}: {message}{given}"
