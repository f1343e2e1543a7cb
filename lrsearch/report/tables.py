"""Tables as plain data: what stands beside every figure, so that a page can be read without its pictures."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Table:
    """Columns and rows of text; `numeric` marks the columns that are aligned to the right."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[bool, ...]
    caption: str = ""


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, caption: str = "") -> Table:
    """Return a table of any values; a column is numeric where every value is a number or missing."""
    values = [list(row) for row in rows]
    numeric = tuple(all(_is_number(row[place]) for row in values) for place in range(len(columns)))
    return Table(tuple(columns), tuple(tuple(text(value) for value in row) for row in values), numeric, caption)


def text(value: Any) -> str:
    """Return a value as people read it: four significant digits, a dash for what is missing, no JSON brackets.

    >>> text(0.123456), text(None), text({"base_lr": 0.1, "warmup_steps": 5}), text(True)
    ('0.1235', '–', 'base_lr = 0.1, warmup_steps = 5', 'yes')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, float):
        return f"{value:.4g}".replace("-", "−") if math.isfinite(value) else ("∞" if value > 0 else "−∞")
    if isinstance(value, Mapping):
        return ", ".join(f"{name} = {text(item)}" for name, item in value.items()) or "–"
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(text(item) for item in value) or "–"
    return str(value)


def points(value: float | None, *, signed: bool = False) -> str:
    """Return percentage points with two decimals, with a plus sign where asked.

    >>> points(0.5, signed=True), points(-0.123), points(float("nan"))
    ('+0.50', '−0.12', '–')
    """
    if value is None or math.isnan(value):
        return "–"
    return f"{value:{'+' if signed else ''}.2f}".replace("-", "−")


def nested(data: Mapping[str, Any]) -> str:
    """Return plain data as indented JSON, for a block of preformatted text."""
    return json.dumps(data, indent=2, ensure_ascii=False, default=str)


def _is_number(value: Any) -> bool:
    if isinstance(value, str):
        return bool(value) and not value.strip("–−+-.0123456789 %∞")
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))
