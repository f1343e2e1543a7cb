"""What the shell offers for a value that has begun: studies and families by name.

A shell that asks is told nothing rather than an error: what is wrong is said when the command runs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import typer

from lrsearch.errors import InputError, RunError
from lrsearch.names import DEFAULT_STORAGE


def study_files(incomplete: str) -> Iterator[str]:
    """Yield the built-in studies, and the study files and folders that begin so."""
    from lrsearch.config import built_in_studies

    yield from (name for name in built_in_studies() if name.startswith(incomplete))
    before, slash, begun = incomplete.rpartition("/")
    for path in sorted(Path(before + slash or ".").glob("*")):
        if path.name.startswith(begun or path.name.lstrip(".")) and (path.is_dir() or path.suffix == ".toml"):
            yield f"{before}{slash}{path.name}{'/' * path.is_dir()}"


def study_names(context: typer.Context, incomplete: str) -> list[str]:
    """Return the studies of the storage that the command line names, or of the default one."""
    from lrsearch.names import base_name
    from lrsearch.storage import open_existing, stored_names

    address = context.params.get("storage") or os.environ.get("LRSEARCH_STORAGE") or DEFAULT_STORAGE
    try:
        names = dict.fromkeys(map(base_name, stored_names(open_existing(str(address)))))
    except (InputError, RunError):
        return []
    return [name for name in names if name.startswith(incomplete)]


def stored_studies(context: typer.Context, incomplete: str) -> list[str]:
    """Return the studies of the storage, then the study files."""
    return list(dict.fromkeys([*study_names(context, incomplete), *study_files(incomplete)]))


def family(incomplete: str) -> list[str]:
    """Return the families of schedules that begin so."""
    from lrsearch.schedules import FAMILIES

    return [name for name in FAMILIES if name.startswith(incomplete)]


def families(incomplete: str) -> list[str]:
    """Return what a list of families, separated by commas, may go on with; none is offered twice."""
    before, comma, begun = incomplete.rpartition(",")
    taken = before.split(",")
    return [f"{before}{comma}{name}" for name in family(begun) if name not in taken]
