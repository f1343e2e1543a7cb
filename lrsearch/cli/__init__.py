"""The commands: each parses its flags, calls one function and prints what it returns.

Owns what a person types and reads in a terminal. May import every room, each inside the command that needs it, so that
`--help` stays quick. Begin with command.py and flags.py, then whole_study.py and running.py.
"""

# In the order in which --help lists them.
from lrsearch.cli import whole_study  # isort: skip
from lrsearch.cli import running  # isort: skip
from lrsearch.cli import reading  # isort: skip
from lrsearch.cli import keeping  # isort: skip
from lrsearch.cli import planning  # isort: skip
from lrsearch.cli.command import app

__all__ = ["app", "keeping", "planning", "reading", "running", "whole_study"]
