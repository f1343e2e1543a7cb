"""One table for every reader: the console, the report, a notebook, CSV and JSON render the same value.

Owns the table and how a value is written. May import records, text and NumPy. Begin with table.py.
"""

from lrsearch.tables.table import Column, Table, table
from lrsearch.tables.values import (
    FIVE_NUMBERS,
    MISSING,
    STAR,
    Estimate,
    Interval,
    Points,
    PValue,
    Share,
    five_numbers,
    number,
    text,
)

__all__ = [
    "FIVE_NUMBERS",
    "MISSING",
    "STAR",
    "Column",
    "Estimate",
    "Interval",
    "PValue",
    "Points",
    "Share",
    "Table",
    "five_numbers",
    "number",
    "table",
    "text",
]
