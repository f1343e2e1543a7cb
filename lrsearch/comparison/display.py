"""A comparison as people see it: a row per family, and the verdict above them in a notebook."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from lrsearch.tables import Column, Interval, Table, table

if TYPE_CHECKING:
    from lrsearch.comparison.inference.proportions import Proportion
    from lrsearch.comparison.result import Comparison


@dataclass(frozen=True)
class Glance:
    """What is known of one family, the differences in points.

    Attributes:
        family: its name.
        mean, sd: over the blocks.
        to_the_best: the simultaneous interval of its difference to the best mean; None for the best, or untested.
        ranks: the lowest and the highest rank that the tests leave; None where it was not tested.
        recommended: whether no test shows it to be worse than the best.
        within_rope: whether its difference to the best is shown not to matter.
        failed: its failed runs; None where none failed.
    """

    family: str
    mean: float
    sd: float
    to_the_best: tuple[float, float] | None
    ranks: tuple[int, int] | None
    recommended: bool
    within_rope: bool
    failed: Proportion | None


def at_a_glance(comparison: Comparison) -> list[Glance]:
    """Return what is known of each family, the best mean first."""
    order = sorted(range(len(comparison.families)), key=lambda place: -comparison.mean[place])
    failed = {failure.family: failure.runs for failure in comparison.failures}
    found = []
    for place in order:
        name = comparison.families[place]
        low, high = float(comparison.low[place, order[0]]), float(comparison.high[place, order[0]])
        ranks = comparison.rank_low[place], comparison.rank_high[place]
        found.append(
            Glance(
                name,
                float(comparison.mean[place]),
                float(comparison.sd[place]),
                None if place == order[0] or math.isnan(low) else (low, high),
                None if math.isnan(ranks[0]) else (round(ranks[0]), round(ranks[1])),
                name in comparison.recommended,
                name in comparison.equivalent_to_best,
                failed.get(name),
            )
        )
    return found


def comparison_table(comparison: Comparison) -> Table:
    """Return a row per family, the best mean first: what is known of it and of its distance to the best."""
    rows = [
        (
            known.family,
            known.mean,
            known.sd,
            Interval(*known.to_the_best) if known.to_the_best else None,
            Interval(*known.ranks) if known.ranks else None,
            known.recommended,
            known.within_rope,
            str(known.failed) if known.failed else "none",
        )
        for known in at_a_glance(comparison)
    ]
    return table(_COLUMNS, rows)


_COLUMNS = (
    Column("family"),
    Column("mean", decimals=2),
    Column("SD", decimals=2),
    Column("to the best", decimals=2, signed=True),
    Column("rank"),
    Column("recommended"),
    Column("within the ROPE"),
    Column("failed runs"),
)


def comparison_note(comparison: Comparison) -> str:
    """Return the line that stands beside the table: what its numbers are."""
    return (
        f"{comparison.blocks} blocks; points of {comparison.metric}; differences with simultaneous "
        f"{comparison.level} intervals; region of practical equivalence {comparison.rope:g} points; "
        f"{comparison.contrasts}"
    )


def comparison_html(comparison: Comparison) -> str:
    """Return what a notebook shows of a comparison: the verdict, its warnings, and the table of its families."""
    warnings = "".join(f"<p><b>Warning:</b> {escape(warning)}</p>" for warning in comparison.warnings)
    note = f"<p><small>{escape(comparison_note(comparison))}</small></p>"
    return (
        f"<div><p>{escape(comparison.verdict_text)}</p>{warnings}{comparison_table(comparison).to_html()}{note}</div>"
    )
