"""From a stored study to what may be said of it.

Owns the comparison of a confirmation, its claims, budgets, good regions and the pruning audit. May import storage and
comparison. Begin with study_verdict.py.
"""
