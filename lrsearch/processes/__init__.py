"""Several processes of one machine or of a Dask scheduler.

Owns starting, watching, interrupting and restarting them, and the log that they write; knows no search. May import
storage and training. Begin with launch.py.
"""
