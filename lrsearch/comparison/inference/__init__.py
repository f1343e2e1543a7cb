"""Tests, intervals and power on arrays of paired scores.

Owns sign flips, max-T adjustment, the familiar tests, proportions, the best of k trials, compact letters. NumPy and
SciPy alone; generators are passed in. Begin with flips.py.
"""
