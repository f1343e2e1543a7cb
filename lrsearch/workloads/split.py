"""How the training examples of a workload are split: to fit, for validation, and as a holdout."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrsearch.errors import InputError

FEWEST_EXAMPLES = 12
"""Training examples that can be split: a twelfth is held out for validation, another as the holdout."""
_FEWEST_GROUPS = 3
_DRAWS = 100
"""How often groups are dealt, until validation holds every class."""


@dataclass(frozen=True)
class Split:
    """Indices into the training examples.

    Attributes:
        fit: the model is fitted to these.
        select: validation, by which the search chooses.
        report: holdout, recorded and never used to choose.
    """

    fit: NDArray[np.int64]
    select: NDArray[np.int64]
    report: NDArray[np.int64]


def examples_to_fit(examples: int, *, groups: NDArray[np.generic] | None = None, train: str = "fit") -> int:
    """Return how many of the training examples are fitted, which is the same for every seed; see `split_examples`.

    Raises:
        InputError: if there are too few examples or groups to hold any out.
    """
    if train == "all":
        return examples
    if examples < FEWEST_EXAMPLES:
        raise InputError(
            f"the data must hold at least {FEWEST_EXAMPLES} training examples, because a twelfth of them is held out "
            f"for validation, got {examples}"
        )
    if groups is None:
        return examples - 2 * (examples // FEWEST_EXAMPLES)
    return examples - 2 * _most_held_out(np.unique(groups, return_counts=True)[1])


def split_examples(
    labels: NDArray[np.generic], split_seed: int, *, groups: NDArray[np.generic] | None = None, train: str = "fit"
) -> Split:
    """Split the training examples 10/12 fit, 1/12 validation, 1/12 holdout; stratified if labels are whole numbers.

    Every class is dealt out in proportion, so 60,000 examples of ten equal classes give 50,000 / 5,000 / 5,000. Of
    groups whole ones are held out, together at most a twelfth for each part, or one group where all are larger.

    Args:
        labels: `[examples]` labels (floats are treated as one class).
        split_seed: the seed of the draw; equal seeds give equal splits.
        groups: `[examples]`, the number of each example's group; None where examples are independent.
        train: "fit" as above, or "all" to fit every example and hold none out (fixed schedules only).

    Raises:
        InputError: if the groups cannot be divided, or leave validation without a class.
    """
    if train == "all":
        empty = np.empty(0, dtype=np.int64)
        return Split(np.arange(len(labels), dtype=np.int64), empty, empty)
    rng = np.random.Generator(np.random.PCG64([split_seed, len(labels)]))
    strata = labels if np.issubdtype(labels.dtype, np.integer) and labels.ndim == 1 else np.zeros(len(labels))
    if groups is not None:
        return _split_groups(groups, strata, rng, to_fit=examples_to_fit(len(labels), groups=groups))
    order = rng.permutation(len(labels))
    rank = np.empty(len(labels), dtype=np.float64)
    for stratum in np.unique(strata):
        members = order[strata[order] == stratum]
        rank[members] = (np.arange(len(members)) + 0.5) / len(members)
    # Sorting by the place within its own class interleaves the classes, so any cut is stratified.
    dealt = order[np.argsort(rank[order], kind="stable")]
    held_out = len(labels) // FEWEST_EXAMPLES
    return Split(dealt[2 * held_out :], dealt[:held_out], dealt[held_out : 2 * held_out])


def _most_held_out(sizes: NDArray[np.int64]) -> int:
    """Return how many examples validation may hold, and the holdout too: a twelfth, or more if all groups are large."""
    if len(sizes) < _FEWEST_GROUPS:
        raise InputError(
            f"groups must be at least {_FEWEST_GROUPS} different ones, because one is held out for validation and "
            f"another as the holdout, got {len(sizes)}: give validation_x and validation_y"
        )
    return max(int(sizes.sum()) // FEWEST_EXAMPLES, int(np.sort(sizes)[1]))


def _split_groups(
    groups: NDArray[np.generic], strata: NDArray[np.generic], rng: np.random.Generator, *, to_fit: int
) -> Split:
    """Deal whole groups to validation and holdout, until a draw leaves validation no class short."""
    names, group_of, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    most, classes = _most_held_out(sizes), np.unique(strata)
    for _ in range(_DRAWS):
        part_of, filled = np.zeros(len(names), dtype=np.int64), [0, 0]  # 0 is fitted, 1 validation, 2 the holdout
        for group in rng.permutation(len(names)):
            part = int(filled[1] < filled[0])
            if filled[part] + sizes[group] <= most:
                filled[part] += sizes[group]
                part_of[group] = 1 + part
        fit, select, report = (rng.permutation(np.flatnonzero(part_of[group_of] == part)) for part in range(3))
        missing = np.setdiff1d(classes, strata[select])
        if not len(missing):
            return Split(fit[:to_fit], select, report)
    raise InputError(
        f"groups leave the validation part without class {missing[0]} in each of {_DRAWS} draws: give more and smaller "
        "groups, or validation_x and validation_y"
    )
