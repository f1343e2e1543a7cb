"""Tests, intervals and power on arrays of scores.

Owns sign flips, max-T adjustment, unpaired groups, sequential tests, the familiar tests, proportions, the best of k
trials, compact letters. May import comparison/arrays.py, NumPy and SciPy; generators are passed in. Begin with
flips.py.
"""
