"""One table for every reader: the console, the report, a notebook, CSV and JSON render the same value.

Owns the table and how a value is written. May import records and text. Begin with table.py.
"""

from lrsearch.tables.table import Column, Table, table
from lrsearch.tables.values import MISSING, STAR, Estimate, Interval, Points, PValue, Share, number, text

__all__ = [
    "MISSING",
    "STAR",
    "Column",
    "Estimate",
    "Interval",
    "PValue",
    "Points",
    "Share",
    "Table",
    "number",
    "table",
    "text",
]
