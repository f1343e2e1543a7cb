"""How the training examples of a workload are split: to fit, for validation, and as a holdout."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrsearch.errors import InputError

FEWEST_EXAMPLES = 12
"""Training examples that can be split: a twelfth is held out for validation, another as the holdout."""


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


def examples_to_fit(examples: int, *, train: str = "fit") -> int:
    """Return how many of the training examples are fitted; see `split_examples`.

    Raises:
        InputError: if there are too few to hold any out.
    """
    if train == "all":
        return examples
    if examples < FEWEST_EXAMPLES:
        raise InputError(
            f"the data must hold at least {FEWEST_EXAMPLES} training examples, because a twelfth of them is held out "
            f"for validation, got {examples}"
        )
    return examples - 2 * (examples // FEWEST_EXAMPLES)


def split_examples(labels: NDArray[np.generic], split_seed: int, *, train: str = "fit") -> Split:
    """Split the training examples 10/12 fit, 1/12 validation, 1/12 holdout; stratified if labels are whole numbers.

    Every class is dealt out in proportion, so 60,000 examples of ten equal classes give 50,000 / 5,000 / 5,000.

    Args:
        labels: `[examples]` labels (floats are treated as one class).
        split_seed: the seed of the draw; equal seeds give equal splits.
        train: "fit" as above, or "all" to fit every example and hold none out (fixed schedules only).
    """
    if train == "all":
        empty = np.empty(0, dtype=np.int64)
        return Split(np.arange(len(labels), dtype=np.int64), empty, empty)
    rng = np.random.Generator(np.random.PCG64([split_seed, len(labels)]))
    strata = labels if np.issubdtype(labels.dtype, np.integer) and labels.ndim == 1 else np.zeros(len(labels))
    order = rng.permutation(len(labels))
    rank = np.empty(len(labels), dtype=np.float64)
    for stratum in np.unique(strata):
        members = order[strata[order] == stratum]
        rank[members] = (np.arange(len(members)) + 0.5) / len(members)
    # Sorting by the place within its own class interleaves the classes, so any cut is stratified.
    dealt = order[np.argsort(rank[order], kind="stable")]
    held_out = len(labels) // FEWEST_EXAMPLES
    return Split(dealt[2 * held_out :], dealt[:held_out], dealt[held_out : 2 * held_out])
