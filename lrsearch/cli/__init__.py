"""The commands: parse, call one function each, print."""

# In the order in which --help lists them.
from lrsearch.cli import running  # isort: skip
from lrsearch.cli import reading  # isort: skip
from lrsearch.cli import planning  # isort: skip
from lrsearch.cli import keeping  # isort: skip
from lrsearch.cli.flags import app

__all__ = ["app", "keeping", "planning", "reading", "running"]
