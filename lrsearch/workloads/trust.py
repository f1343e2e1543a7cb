"""Whose word is taken for code: a workload is imported because a person names it, never because a database does."""

from __future__ import annotations

from lrsearch.config import BUILT_IN_WORKLOAD
from lrsearch.errors import InputError
from lrsearch.workloads.workload import was_loaded


def refuse_foreign_workload(address: str, *, source: str, trust: str) -> None:
    """Raise InputError unless a workload that data asks for is the built-in one, or was named in this process before.

    Importing a module runs it. A database or an exported file may come from anybody, so that what they say is not
    enough; what this process has imported already was named by a person.

    Args:
        address: the workload, "package.module:function".
        source: what asks for it, as the error begins.
        trust: the flag by which `source` is trusted, as in "--trust-storage".
    """
    if address != BUILT_IN_WORKLOAD and not was_loaded(address):
        keyword = trust.removeprefix("--").replace("-", "_")
        raise InputError(
            f"{source} asks for the workload {address!r}, and to import it is to run its code: name it yourself with "
            f"--workload, or trust what is stored with {trust} (in Python {keyword}=True)"
        )
