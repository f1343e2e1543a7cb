"""The process in which a run is carried out, from both of its ends.

Owns how the search starts a run and ends it (running.py), and what happens in the run's own process (child.py, then
carrying_out.py). May import what `runs` may. Begin with running.py.
"""
