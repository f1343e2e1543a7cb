"""What can be known before anything runs: power, time, and what works on this machine.

Owns `plan` and `doctor`. May import experiment and everything below it. Begin with plan.py.
"""
