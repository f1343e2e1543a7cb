"""A file of learning rates: one for each update, or step,rate pairs of which each is held until the next."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lrsearch.config.files import read_text
from lrsearch.errors import InputError
from lrsearch.schedules import Tabulated
from lrsearch.schedules.fixed.tabulated import tabulated_pairs
from lrsearch.text import as_number

_MOST_BYTES = 4 << 20


def read_rates(path: Path) -> Tabulated:
    """Read a CSV file of rates; a header, blank lines and lines that begin with # are skipped.

    Raises:
        InputError: if the file cannot be read or is larger than 4 MiB, holds no rates or too many, a rate that is
            negative or not finite, or steps that do not rise from 0.
    """
    rows = [(line, tuple(_number(path, line, cell) for cell in cells)) for line, cells in _rows(path)]
    if not rows:
        raise InputError(f"rates {path} must hold one rate for each update, or step,rate pairs, and hold none")
    for line, numbers in rows:
        if len(numbers) not in (1, 2) or len(numbers) != len(rows[0][1]):
            raise InputError(f"rates {path}, line {line}: it must hold one rate, or step,rate, in every line alike")
        if not 0 <= numbers[-1] < math.inf:
            raise InputError(f"rates {path}, line {line}: a rate must be a finite number >= 0, got {numbers[-1]:g}")
    table = [numbers for _, numbers in rows]
    try:
        if len(table[0]) == 1:
            return Tabulated(tuple(rate for (rate,) in table))
        return tabulated_pairs([step for step, _ in table], [rate for _, rate in table])
    except InputError as error:
        raise InputError(f"rates {path}: {error}") from error


def with_rates(baseline: Any, folder: Path) -> Any:
    """Return the table of a fixed schedule with the numbers in place of the file that its `rates` name.

    Args:
        baseline: as TOML gives it; its `parts` may name files, too.
        folder: what the path is relative to.

    Raises:
        InputError: as `read_rates`.
    """
    if not isinstance(baseline, Mapping):
        return baseline
    table = dict(baseline)
    if isinstance(table.get("parts"), list):
        table["parts"] = [with_rates(part, folder) for part in table["parts"]]
    if isinstance(named := table.get("rates"), str):
        read = read_rates(folder / named)
        table["rates"] = list(read.rates)
        if read.boundaries is not None:
            table["boundaries"] = list(read.boundaries)
    return table


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of each line with its cells."""
    lines = read_text(path, "rates", most_bytes=_MOST_BYTES).splitlines()
    first = True
    try:
        for line, cells in enumerate(csv.reader(lines), start=1):
            stripped = [cell.strip() for cell in cells]
            if not any(stripped) or stripped[0].startswith("#"):
                continue
            if not (first and not any(_is_number(cell) for cell in stripped)):
                yield line, stripped
            first = False
    except csv.Error as error:
        raise InputError(f"rates {path} cannot be read: {error}") from error


def _is_number(cell: str) -> bool:
    try:
        as_number(cell)
    except ValueError:
        return False
    return True


def _number(path: Path, line: int, cell: str) -> float:
    if not _is_number(cell):
        raise InputError(f"rates {path}, line {line}: it must hold numbers, got {cell[:60]!r}")
    return as_number(cell)
