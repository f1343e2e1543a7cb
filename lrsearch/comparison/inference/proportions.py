"""Counts and their exact binomial intervals: failures, the pruning audit, how wide a good region is."""

from dataclasses import dataclass

from numpy.typing import ArrayLike
from scipy import stats

from lrsearch.comparison.arrays import numbers
from lrsearch.errors import InputError


@dataclass(frozen=True)
class Proportion:
    """`count` of `total`, with the exact (Clopper-Pearson) limits of the proportion behind it."""

    count: int
    total: int
    low: float
    high: float

    def __str__(self) -> str:
        """Return it in words: 3 of 12, 5 to 57 %."""
        return f"{self.count} of {self.total}, {100 * self.low:.0f} to {100 * self.high:.0f} %"


@dataclass(frozen=True)
class PruningAudit:
    """Of the pruned trials that were finished after all, how many would have beaten their family's median and best."""

    beat_median: Proportion
    beat_best: Proportion


def proportion(count: int, total: int, alpha: float = 0.05) -> Proportion:
    """Return `count` of `total` with its exact binomial interval at level 1 - alpha; of 0 trials it is 0 to 1."""
    if not 0 <= count <= total:
        raise InputError(f"count must lie between 0 and total = {total}, but is {count}")
    if total == 0:
        return Proportion(0, 0, 0.0, 1.0)
    interval = stats.binomtest(count, total).proportion_ci(1 - alpha, method="exact")
    return Proportion(count, total, float(interval.low), float(interval.high))


def audit_pruning(finished: ArrayLike, medians: ArrayLike, bests: ArrayLike, *, alpha: float = 0.05) -> PruningAudit:
    """Return the false-prune rates from the final scores finished[trials] of a random sample of pruned trials.

    `medians` and `bests` [trials] are those of each trial's own family, over its trials that were not pruned.
    """
    final = numbers(finished, "finished", axes="trials")
    over_median = int((final > numbers(medians, "medians", axes="trials")).sum())
    over_best = int((final > numbers(bests, "bests", axes="trials")).sum())
    return PruningAudit(proportion(over_median, len(final), alpha), proportion(over_best, len(final), alpha))


def good_region(values: ArrayLike, *, rope: float, alpha: float = 0.05, outside: int = 0) -> Proportion:
    """Return the share of a family's search space within `rope` of its best, from random trials values[trials].

    The best is the best value seen, so the share describes this sample of trials; it must be random and unpruned.
    `outside` more trials have no value, as those that diverged.

    Raises:
        InputError: no trial at all.
    """
    scores = numbers(values, "values", axes="trials")
    if not scores.size:
        raise InputError("values must hold at least one random, unpruned trial, but is empty")
    return proportion(int((scores >= scores.max() - rope).sum()), len(scores) + outside, alpha)
