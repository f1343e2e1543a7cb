"""The statistics of the verdict: arrays in, frozen results out.

Owns tests, intervals, power and the sentences of a verdict. May import records and names; NumPy and SciPy alone.
Begin with compare.py, which judges scores in blocks; runs.py judges those without.
"""

from lrsearch.comparison.compare import compare_scores
from lrsearch.comparison.contrasts import Against, Contrasts, Groups
from lrsearch.comparison.result import Comparison
from lrsearch.comparison.runs import compare_runs

__all__ = ["Against", "Comparison", "Contrasts", "Groups", "compare_runs", "compare_scores"]
