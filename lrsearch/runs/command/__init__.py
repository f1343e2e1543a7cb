"""Runs that are commands: a script that is not imported, in any language, with any processes of its own.

Owns the files that such a run and lrsearch share (files.py), what a Python script sees of them (current.py), and the
process that stands between the command and the search (supervisor.py). May import what `runs` may. Begin with files.py.
"""
