"""The step of the LeNet on a processor, in loops that Numba compiles.

Owns the loops and the vectors that they are made of. May import Numba, which nothing else does. Begin with step.py.
"""
