"""How the studies of one experiment are called in a storage: one name that a user types, and what hangs on it."""

from __future__ import annotations

from collections.abc import Iterable

_REPLICATE, _CONFIRMATION, _AUDIT = "/search-", "/confirm", "/audit"


def base_name(name: str) -> str:
    """Return the name that a user types for a search, one of its replicates, its confirmation or its audit."""
    base = name.removesuffix(_CONFIRMATION).removesuffix(_AUDIT)
    head, found, number = base.rpartition(_REPLICATE)
    return head if found and number.isdigit() else base


def audit_name(name: str) -> str:
    """Return the name of the study that holds a search's pruned trials which were finished after all."""
    return f"{name}{_AUDIT}"


def is_search(name: str) -> bool:
    """Return whether this is the name of a search or of one of its replicates."""
    return not name.endswith((_CONFIRMATION, _AUDIT))


def search_names(names: Iterable[str], base: str) -> list[str]:
    """Return which of a storage's studies are the search `base` or its replicates, in order."""
    return sorted(name for name in names if is_search(name) and base_name(name) == base)
