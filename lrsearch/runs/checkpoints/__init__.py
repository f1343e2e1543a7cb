"""What a run keeps to go on from.

Owns the state of its objects and of all that draws random numbers, its file, and when it is written. May import what
`runs` may. Begin with kept.py.
"""
