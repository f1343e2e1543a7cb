"""Which differences were planned: all pairs, each against a reference, or groups of families named beforehand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from lrsearch.comparison.arrays import BoolArray, FloatArray, IntArray
from lrsearch.comparison.inference.flips import PairFlips
from lrsearch.errors import InputError
from lrsearch.text import did_you_mean


@dataclass(frozen=True)
class Against:
    """Every family against `reference` and nothing else: fewer tests, so more power for each."""

    reference: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "reference", str(self.reference))


@dataclass(frozen=True)
class Groups:
    """All pairs of groups, each group being the mean of its members in every block."""

    members: Mapping[str, Sequence[str]]

    def __post_init__(self) -> None:
        named = {str(name): tuple(map(str, group)) for name, group in self.members.items()}
        object.__setattr__(self, "members", named)


Contrasts = Literal["all"] | Against | Groups


@dataclass(frozen=True, eq=False)
class Columns:
    """What is compared: the names of the columns and their weights [columns, families] over the families scored.

    `of_all` weighs every member of a column. `weights` leaves the failed families out; a column that has lost all of
    its members is not `alive` [columns].
    """

    names: tuple[str, ...]
    of_all: FloatArray
    weights: FloatArray
    alive: BoolArray


def columns_of(contrasts: Contrasts, families: Sequence[str], failed: BoolArray) -> Columns:
    """Return the columns to compare, given which families [families] failed.

    Raises:
        InputError: an unknown reference; a group without members, with an unknown family, or one of another group.
    """
    require_reference(contrasts, families)
    groups = contrasts.members if isinstance(contrasts, Groups) else {name: (name,) for name in families}
    members = [name for group in groups.values() for name in group]
    unknown = [name for name in members if name not in families]
    if unknown or len(set(members)) < len(members) or not all(groups.values()) or len(groups) < 2:
        raise InputError(
            "groups must be two or more, each of at least one of the families scored and no family in two of them, but "
            f"the groups are { {name: list(group) for name, group in groups.items()} } and the families {[*families]}"
        )
    member = np.array([[name in group for name in families] for group in groups.values()])
    kept = member & ~failed
    return Columns(tuple(groups), _mean_weights(member), _mean_weights(kept), np.asarray(kept.any(axis=1)))


def require_reference(contrasts: Contrasts, families: Sequence[str]) -> None:
    """Raise InputError where the contrasts are against something that is none of the families."""
    if isinstance(contrasts, Against) and contrasts.reference not in families:
        raise InputError(
            f"the baseline that others are compared with must be one of them, got {contrasts.reference!r}"
            f"{did_you_mean(contrasts.reference, families)}"
        )


def _mean_weights(member: BoolArray) -> FloatArray:
    """Return the weights [columns, families] of the mean over the members of each column; 0 where it has none."""
    return np.asarray(member / np.maximum(member.sum(axis=1, keepdims=True), 1), dtype=np.float64)


def tested_pairs(contrasts: Contrasts, columns: Columns, flips: PairFlips) -> IntArray:
    """Return the indices of the planned pairs among those of `flips`, whose columns are the alive ones."""
    if not isinstance(contrasts, Against):
        return np.arange(len(flips.first))
    reference = columns.names.index(contrasts.reference)
    if not columns.alive[reference]:
        return np.empty(0, dtype=np.int64)
    place = int(columns.alive[:reference].sum())
    return np.flatnonzero((flips.first == place) | (flips.second == place))


def describe(contrasts: Contrasts) -> str:
    """Return the plan's words for the contrasts."""
    if isinstance(contrasts, Against):
        return f"each against {contrasts.reference}"
    if isinstance(contrasts, Groups):
        return "groups: " + "; ".join(f"{name} ({', '.join(group)})" for name, group in contrasts.members.items())
    return "all pairs"
