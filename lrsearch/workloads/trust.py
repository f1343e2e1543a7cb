"""Which workloads may be imported: the built-in one, and those that a person has named; never because a file does."""

from __future__ import annotations

from lrsearch.config import BUILT_IN_WORKLOAD
from lrsearch.errors import InputError
from lrsearch.workloads.workload import was_loaded


def require_trusted_workload(address: str, *, source: str, trust: str) -> None:
    """Raise InputError unless a workload named by a file or a storage is built in, or already loaded in this process.

    Importing a module runs it, and a database or an exported file may come from an attacker. What this process has
    loaded before was named by its user.

    Args:
        address: the workload, "package.module:function".
        source: what asks for it, as the error begins.
        trust: the flag by which `source` is trusted, as in "--trust-storage".
    """
    if address != BUILT_IN_WORKLOAD and not was_loaded(address):
        keyword = trust.removeprefix("--").replace("-", "_")
        raise InputError(
            f"{source} names the workload {address!r}, and importing it runs its code: name it yourself with "
            f"--workload, or trust the source with {trust} (in Python {keyword}=True)"
        )
