"""One table for every reader: the console, the report, a notebook, CSV and JSON render the same value.

Owns the table, the metric's unit, and how a value is written. May import records and text. Begin with table.py.
"""

from lrsearch.tables.metric import Metric
from lrsearch.tables.table import Column, Table, table
from lrsearch.tables.values import MISSING, Interval, Points, PValue, Share, number, text

__all__ = ["MISSING", "Column", "Interval", "Metric", "PValue", "Points", "Share", "Table", "number", "table", "text"]
