"""The commands: each parses its flags, calls one function and prints what it returns.

Owns a module for each group of commands. May import what `cli` may. Begin with whole_study.py, then running.py.
"""

# In the order in which --help lists them.
from lrsearch.cli.commands import whole_study  # isort: skip
from lrsearch.cli.commands import running  # isort: skip
from lrsearch.cli.commands import reading  # isort: skip
from lrsearch.cli.commands import keeping  # isort: skip
from lrsearch.cli.commands import study_file  # isort: skip
from lrsearch.cli.commands import planning  # isort: skip

__all__ = ["keeping", "planning", "reading", "running", "study_file", "whole_study"]
