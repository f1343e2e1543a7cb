"""What can be known before anything runs: power, time, and what works on this machine.

Owns `plan` and `doctor`, the plan that `run` fits into minutes, and what is measured by a short run of one's own
training. May import experiment and everything below it, and verdict. Begin with plan.py, then budget.py.
"""
