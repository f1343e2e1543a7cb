"""Tests and intervals on arrays of paired scores.

Owns sign flips, max-T adjustment, proportions and probabilities. NumPy and SciPy alone; generators are passed in.
Begin with flips.py.
"""
