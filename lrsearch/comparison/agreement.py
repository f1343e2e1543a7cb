"""Whether the order of the families holds at another epoch budget: two comparisons side by side."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from lrsearch.comparison.result import Comparison
from lrsearch.errors import InputError


@dataclass(frozen=True)
class Agreement:
    """How far two comparisons of the same families agree.

    `kendall_tau` is that of the means. Of the pairs that both tested, `same` are separated in the same direction,
    `opposite` in opposite ones, `one_only` by one of the two, `neither` by none.
    """

    kendall_tau: float
    same: int
    opposite: int
    one_only: int
    neither: int


def agreement(first: Comparison, second: Comparison) -> Agreement:
    """Return the agreement of two comparisons over the same families, each separating pairs at its own alpha.

    Raises:
        InputError: the families differ, or stand in another order.
    """
    if first.families != second.families:
        raise InputError(
            f"both comparisons must be of the same families, but they are of {first.families} and {second.families}"
        )
    upper = np.triu_indices(len(first.families), k=1)
    tested = np.isfinite(first.p[upper]) & np.isfinite(second.p[upper])
    directions = [
        np.where(comparison.p[upper] <= comparison.settings.alpha, np.sign(comparison.pairs.difference[upper]), 0.0)[
            tested
        ]
        for comparison in (first, second)
    ]
    product, either = directions[0] * directions[1], (directions[0] != 0) | (directions[1] != 0)
    same, opposite = int((product > 0).sum()), int((product < 0).sum())
    return Agreement(
        kendall_tau=float(stats.kendalltau(first.means.mean, second.means.mean).statistic),
        same=same,
        opposite=opposite,
        one_only=int(either.sum()) - same - opposite,
        neither=int((~either).sum()),
    )
