"""Which code may be imported: the built-in workload, and what a person has named; never because a file names it."""

from __future__ import annotations

from lrsearch.config.study import BUILT_IN_WORKLOAD
from lrsearch.errors import InputError

_loaded: set[str] = set()


def note_loaded(address: str) -> None:
    """Note that a workload, a training function or a command was loaded, as only one is that a person has named."""
    _loaded.add(address)


def require_trusted(address: str, *, source: str, trust: str, flag: str = "workload") -> None:
    """Raise InputError unless what a file or a storage names is built in, or already loaded in this process.

    Importing a module runs it, and a database or an exported file may come from an attacker. What this process has
    loaded before was named by its user.

    Args:
        address: the workload or the training function, "package.module:function", or a command.
        source: what asks for it, as the error begins.
        trust: the flag by which `source` is trusted, as in "--trust-storage".
        flag: by which a person names such a thing, "workload", "training" or "command".
    """
    if address != BUILT_IN_WORKLOAD and address not in _loaded:
        keyword = trust.removeprefix("--").replace("-", "_")
        raise InputError(
            f"{source} names the {flag} {address!r}, and using it runs its code: name it yourself with "
            f"--{flag}, or trust the source with {trust} (in Python {keyword}=True)"
        )
