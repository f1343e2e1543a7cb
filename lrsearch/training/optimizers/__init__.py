"""Optimizers as row operations: every lane of a stack has its own rate and its own settings.

Owns SGD, Adam and AdamW, parameter groups, and averages of the weights. May import what training may. Begin with
rule.py; averaging.py holds the formulas of Schedule-Free and of the exponential average.
"""
