"""The search over schedule families.

Owns sampling, pruning and the loop over a stack of lanes. May import trials and everything below it, and Optuna. Begin
with optimize.py, then loop.py.
"""
