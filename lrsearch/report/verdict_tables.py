"""What stands beside the verdict in numbers: its controls, the claims that it was made for, good regions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan

from lrsearch.comparison import Comparison
from lrsearch.comparison.controls import Control
from lrsearch.comparison.inference.proportions import PruningAudit
from lrsearch.tables import MISSING, Column, Interval, Table, number, table
from lrsearch.verdict.claims import JudgedClaim
from lrsearch.verdict.good_regions import GoodRegions

_KINDS = {"aa": "no difference is the truth", "positive": "it is worse in truth"}
_FOUND = {True: "the truth was found", False: "the truth was MISSED", None: "not tested: failed runs"}


def controls_table(controls: Sequence[Control]) -> Table:
    """Return what the comparison found of entries whose truth is known."""
    rows = [
        (
            control.name,
            control.of,
            _KINDS.get(control.kind, control.kind),
            control.difference,
            Interval(control.low, control.high),
            control.p,
            _FOUND[control.passed],
        )
        for control in controls
    ]
    measured = (Column(name, decimals=2, signed=True) for name in ("difference", "interval"))
    return table(("control", "beside", "what is true", *measured, "p", "found"), rows)


def claims_table(claims: Sequence[JudgedClaim]) -> Table:
    """Return the claims of the study file: estimates with their intervals, and whether each is shown."""
    rows = [
        (
            judged.claim.text,
            judged.holds,
            judged.contrast.estimate,
            judged.contrast.low,
            judged.contrast.high,
            judged.claim.unit,
            judged.p_holm,
        )
        for judged in claims
    ]
    columns = ("claim", "shown", "estimate", "low", "high", "unit", "p (Holm)")
    return table(columns, rows, title="Pointwise intervals; Holm over all claims")


def budgets_table(by_budget: Mapping[int, Comparison], unit: str) -> Table:
    """Return the mean and the ranks that the tests leave of every family at each budget of epochs or of trials."""
    names = list(dict.fromkeys(name for found in by_budget.values() for name in found.families))
    rows = [(name, *(_mean_and_ranks(found, name) for found in by_budget.values())) for name in names]
    columns = ("family", *(f"{budget} {unit}" for budget in by_budget))
    return table(columns, rows, title="Mean in points, and the ranks that the tests leave")


def _mean_and_ranks(found: Comparison, name: str) -> str:
    if name not in found.families:
        return MISSING
    place = found.families.index(name)
    low, high = found.recommendation.rank_low[place], found.recommendation.rank_high[place]
    ranks = "failed runs" if isnan(low) else f"rank {low:.0f} to {high:.0f}"
    return f"{number(float(found.means.mean[place]), decimals=found.settings.decimals)} ({ranks})"


def audit_table(audit: PruningAudit) -> Table:
    """Return how many of the pruned trials that were finished after all beat their family, with exact limits."""
    counted = {"beat their family's median": audit.beat_median, "beat their family's best": audit.beat_best}
    rows = [(what, f"{c.count} of {c.total}", c.count / c.total, c.low, c.high) for what, c in counted.items()]
    return table(("pruned trials that, finished,", "count", "share", "low", "high"), rows)


def good_regions_table(regions: GoodRegions) -> Table:
    """Return the share of each family's search space that is within the ROPE of its best, with exact limits."""
    rows = [
        (family, f"{share.count} of {share.total}", share.count / share.total, share.low, share.high)
        for family, share in sorted(regions.shares.items(), key=lambda item: -item[1].count / item[1].total)
    ]
    return table(("family", "random trials", "share", "low", "high"), rows)
