"""What transformers and timm share here: the refusal, and the text of a file with one dict of arguments."""

from __future__ import annotations

from typing import Any, NoReturn

from lrsearch.errors import InputError
from lrsearch.export.document import Configuration
from lrsearch.export.source_code import comments, joined


def refuse(library: str, family: str, difference: str) -> NoReturn:
    """Raise InputError that says why a library cannot have the same curve."""
    raise InputError(f"{library} cannot express this {family} exactly: {difference}; export --format python can")


def arguments_code(name: str, arguments: dict[str, Any], usage: list[str], configuration: Configuration) -> str:
    """Return a Python file that assigns the arguments to `name`, below how they are used and where they come from."""
    entries = [f"    {key!r}: {value!r}," for key, value in arguments.items()]
    return joined([*(f"# {line}" for line in usage), "#", *comments(configuration), "", f"{name} = {{", *entries, "}"])
