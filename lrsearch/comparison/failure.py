"""What a failed run is: one that diverged, or one that scores little better than a model that has learned nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lrsearch.comparison.arrays import BoolArray, FloatArray
from lrsearch.comparison.inference.proportions import Proportion, proportion
from lrsearch.comparison.settings import Settings

_SHARE = 0.1
"""How far, from the worst value to the best median, a run must come not to have failed."""


@dataclass(frozen=True)
class Failure:
    """The failed runs of one family or configuration, and how many of them diverged or crashed."""

    family: str
    runs: Proportion
    diverged: int
    crashed: int = 0

    @property
    def verb(self) -> str:
        """What all of them did: diverged, crashed, or failed in one way or another."""
        return {self.diverged: "diverged", self.crashed: "crashed"}.get(self.runs.count, "failed")

    @property
    def without_score(self) -> str:
        """How many diverged and crashed, to stand behind others; empty where none did."""
        kinds = ((self.diverged, "diverged"), (self.crashed, "crashed"))
        return "".join(f", {count} {kind}" for count, kind in kinds if count)

    @property
    def limits(self) -> str:
        """The exact interval of the share of failed runs, and how many diverged and crashed."""
        return f"exact interval {100 * self.runs.low:.0f} to {100 * self.runs.high:.0f} %{self.without_score}"


@dataclass(frozen=True)
class FailureRule:
    """When a run has failed besides by diverging.

    Attributes:
        settings: of the comparison, whose metric, unit and direction the rule follows.
        limit: a run that scores worse has failed; None where divergence alone is a failure.
        floor: a run that scores no better has failed too, where the best median is no better than that.
    """

    settings: Settings
    limit: float | None
    floor: float | None = None

    @classmethod
    def of(cls, scores: FloatArray, diverged: BoolArray, settings: Settings) -> FailureRule:
        """Return the rule for scores[runs, candidates] of which some `diverged`; NaN is no run where none did.

        The limit is `failed_at` where that is given; otherwise it lies a tenth of the way from the worst value to the
        best median of a candidate, a run that diverged being worse than any other. Without a finite worst value, or
        where every candidate diverged in half of its runs, there is none.
        """
        worst = settings.worst_value
        if settings.failed_at is not None or worst is None or not np.isfinite(worst):
            return cls(settings, settings.failed_at)
        medians = np.nanmedian(np.where(diverged, -np.inf, settings.metric.sign * scores), axis=0)
        best = float(settings.metric.sign * medians.max())
        if not np.isfinite(best):
            return cls(settings, None)
        lead = max(settings.metric.sign * (best - worst), 0.0)
        return cls(settings, worst + settings.metric.sign * _SHARE * lead, floor=worst)

    def failed(self, scores: FloatArray, diverged: BoolArray) -> BoolArray:
        """Return which runs have failed; `scores` and `diverged` have one shape."""
        worse = np.zeros(scores.shape, dtype=bool)
        if self.limit is not None:
            worse |= self.settings.metric.sign * (scores - self.limit) < 0
        if self.floor is not None:
            worse |= self.settings.metric.sign * (scores - self.floor) <= 0
        return np.asarray(diverged | worse)

    @property
    def threshold(self) -> str:
        """Why a run that did not diverge has failed."""
        return f"worse than {self.settings.metric.number(self.limit)}" if self.limit is not None else ""

    @property
    def sentence(self) -> str:
        """The rule in words."""
        return f"{self.threshold or 'only a run that diverged'} counts as failed"


def failures(
    failed: BoolArray,
    diverged: BoolArray,
    families: Sequence[str],
    *,
    alpha: float,
    runs: Sequence[int] | None = None,
    crashed: BoolArray | None = None,
) -> tuple[Failure, ...]:
    """Return the families with a failed run, in their order, from failed and diverged [runs, families].

    `runs` [families] is the number of each one's runs; all rows if None. `crashed` are those of the diverged that had
    no score because they crashed; none if None.
    """
    totals = [len(failed)] * len(families) if runs is None else runs
    lost, broken = diverged.sum(axis=0), np.zeros(len(families)) if crashed is None else crashed.sum(axis=0)
    return tuple(
        Failure(
            name,
            proportion(int(failed[:, place].sum()), totals[place], alpha),
            int(lost[place] - broken[place]),
            int(broken[place]),
        )
        for place, name in enumerate(families)
        if failed[:, place].any()
    )
