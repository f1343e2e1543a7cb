"""How the studies of one experiment are called in a storage, and what samplers and pruners are called."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

DEFAULT_STORAGE = "sqlite:///lrsearch.db"
"""Where studies are kept by default."""

SamplerKind = Literal["gp", "tpe", "random", "qmc"]
"""What `--sampler` takes; `search/sampling.py` says what each does."""

PrunerKind = Literal["rungs", "median", "none"]
"""What `--pruner` takes; `PRUNERS` in `search/pruning.py` says what each does."""

_REPLICATE, _CONFIRMATION, _AUDIT, _BUDGET = "/search-", "/confirm", "/audit", "/epochs-"
_NUMBER = re.compile("[0-9]+")  # str.isdigit() is true of digits that int() does not read, such as ²


def base_name(name: str) -> str:
    """Return the name that a user types for a search, one of its replicates, its confirmation or its audit."""
    base = name.removesuffix(_CONFIRMATION).removesuffix(_AUDIT)
    head, mark, number = base.rpartition(_REPLICATE)
    return head if mark and _NUMBER.fullmatch(number) else base


def audit_name(name: str) -> str:
    """Return the name of the study that holds a search's pruned trials which were finished after all."""
    return f"{name}{_AUDIT}"


def is_search(name: str) -> bool:
    """Return whether this is the name of a search or of one of its replicates."""
    return not name.endswith((_CONFIRMATION, _AUDIT))


def replicate_of(name: str) -> int | None:
    """Return the number of a search's replicate, 0 for a search that has only one; None for what is no search.

    >>> replicate_of("tab/search-03"), replicate_of("tab"), replicate_of("tab/confirm")
    (3, 0, None)
    """
    base, tail = base_name(name), name.rpartition(_REPLICATE)[2]
    return None if not is_search(name) else 0 if base == name else int(tail)


def search_names(names: Iterable[str], base: str) -> list[str]:
    """Return which of a storage's studies are the search `base` or its replicates, in order."""
    return sorted(name for name in names if is_search(name) and base_name(name) == base)


def budget_names(names: Iterable[str], base: str) -> dict[int, str]:
    """Return {epochs: name} of the studies of one experiment at several epoch budgets, NAME/epochs-10 ..., sorted."""
    bases = {base_name(name) for name in names}
    tails = {name: name.removeprefix(f"{base}{_BUDGET}") for name in bases if name.startswith(f"{base}{_BUDGET}")}
    return dict(sorted((int(tail), name) for name, tail in tails.items() if _NUMBER.fullmatch(tail)))


def without_budget(name: str) -> str:
    """Return a base name without its epoch budget, if it has one."""
    head, mark, number = name.rpartition(_BUDGET)
    return head if mark and _NUMBER.fullmatch(number) else name


def confirmation_name(name: str) -> str:
    """Return the name of a study's confirmation."""
    return f"{name}/confirm"


def is_confirmation(name: str) -> bool:
    """Return whether this is the name of a confirmation."""
    return name.endswith("/confirm")
