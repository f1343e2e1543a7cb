"""The statistics of the verdict: arrays in, frozen results out. NumPy and SciPy alone."""

from lrsearch.comparison.compare import compare_scores
from lrsearch.comparison.contrasts import Against, Contrasts, Groups
from lrsearch.comparison.result import Comparison

__all__ = ["Against", "Comparison", "Contrasts", "Groups", "compare_scores"]
