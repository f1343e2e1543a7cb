"""What a notebook calls: one function for each step of the flow; the commands call the same.

Owns no step itself. May import every room but the commands. Begin with running.py and reading.py; whole_study.py is all
of them in a row.
"""
