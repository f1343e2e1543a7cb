"""Compact letter displays: which are not separated, for any order of the means."""

from __future__ import annotations

from itertools import combinations
from string import ascii_letters

from lrsearch.comparison.arrays import BoolArray


def letter_groups(separated: BoolArray) -> tuple[tuple[int, ...], ...]:
    """Return groups of columns such that two columns share a group exactly where they are not separated.

    A column that is separated from all others is a group of its own. Groups without which every such pair still shares
    one are left away; the others come in the order of their columns.
    Source: Piepho (2004), An algorithm for a letter-based representation of all-pairwise comparisons: insert and
    absorb, then sweep.

    Args:
        separated: [columns, columns], symmetric; the diagonal is not read.
    """
    columns = len(separated)
    groups = [frozenset(range(columns))]
    for i, j in combinations(range(columns), 2):
        if not separated[i, j]:
            continue
        split = [group - {out} for group in groups if {i, j} <= group for out in (i, j)]
        kept = [group for group in groups if not {i, j} <= group]
        for group in sorted(split, key=len, reverse=True):
            if not any(group <= other for other in kept):
                kept.append(group)
        groups = kept
    for group in sorted(groups, key=len):
        others = [other for other in groups if other is not group]
        parts = [{i, j} for i, j in combinations(sorted(group), 2)] or [set(group)]
        if all(any(part <= other for other in others) for part in parts):
            groups = others
    return tuple(sorted(tuple(sorted(group)) for group in groups))


def letters(groups: tuple[tuple[int, ...], ...], columns: int) -> tuple[str, ...]:
    """Return the letters of each column: one for each group that it is in, numbered beyond the alphabet.

    >>> letters(((0, 1), (1, 2)), 3)
    ('a', 'ab', 'b')
    """
    names = [
        ascii_letters[place % len(ascii_letters)]
        + (str(place // len(ascii_letters)) if place >= len(ascii_letters) else "")
        for place in range(len(groups))
    ]
    return tuple(
        "".join(name for name, group in zip(names, groups, strict=True) if column in group) for column in range(columns)
    )
