"""The statistics of the verdict: arrays in, frozen results out.

Owns tests, intervals, power and the sentences of a verdict; knows no study and no storage. May import config, metric,
tables, NumPy and SciPy. Begin with compare.py, which judges scores in blocks (runs.py judges those without), then
result.py, what both return.
"""

from lrsearch.comparison.compare import compare_scores
from lrsearch.comparison.contrasts import Against, Contrasts, Groups
from lrsearch.comparison.result import Comparison
from lrsearch.comparison.runs import compare_runs

__all__ = ["Against", "Comparison", "Contrasts", "Groups", "compare_runs", "compare_scores"]
