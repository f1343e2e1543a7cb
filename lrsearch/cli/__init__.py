"""The command line: what a person types and reads in a terminal.

Owns the commands (commands/), their flags, and how results are shown. May import every room, each inside the command
that needs it, so that `--help` stays quick. Begin with command.py and flags.py, then commands/whole_study.py.
"""

from lrsearch.cli import commands
from lrsearch.cli.command import app

__all__ = ["app", "commands"]
