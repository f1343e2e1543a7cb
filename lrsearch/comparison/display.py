"""A comparison as people see it: a row per family, and the verdict above them in a notebook."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lrsearch.comparison.result import Comparison


def comparison_rows(comparison: Comparison) -> list[dict[str, Any]]:
    """Return a row per family, the best mean first: what is known of it and of its distance to the best."""
    order = sorted(range(len(comparison.families)), key=lambda i: -comparison.mean[i])
    best = order[0]
    failed = {failure.family: failure.runs for failure in comparison.failures}
    rows = []
    for i in order:
        name = comparison.families[i]
        low, high = comparison.low[i, best], comparison.high[i, best]
        ranks = comparison.rank_low[i], comparison.rank_high[i]
        runs = failed.get(name)
        rows.append(
            {
                "family": name,
                "mean": float(comparison.mean[i]),
                "SD": float(comparison.sd[i]),
                "to the best": "-" if i == best or math.isnan(low) else f"{low:+.2f} .. {high:+.2f}",
                "rank": "-" if math.isnan(ranks[0]) else f"{ranks[0]:.0f}-{ranks[1]:.0f}",
                "recommended": "yes" if name in comparison.recommended else "no",
                "within the ROPE": "yes" if name in comparison.equivalent_to_best else "no",
                "failures": f"{runs.count} of {runs.total}" if runs else "0",
            }
        )
    return rows


def comparison_html(comparison: Comparison) -> str:
    """Return what a notebook shows of a comparison: the verdict, its warnings, and the table of its families."""
    rows = comparison_rows(comparison)
    warnings = "".join(f"<p><b>Warning:</b> {escape(warning)}</p>" for warning in comparison.warnings)
    head = "".join(f"<th>{escape(name)}</th>" for name in rows[0])
    body = "".join(f"<tr>{''.join(f'<td>{escape(_cell(value))}</td>' for value in row.values())}</tr>" for row in rows)
    note = (
        f"{comparison.blocks} blocks; points of {comparison.metric}; differences with simultaneous "
        f"{1 - comparison.alpha:.0%} intervals; region of practical equivalence {comparison.rope:g} points"
    )
    return (
        f"<div><p>{escape(comparison.verdict_text)}</p>{warnings}"
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><p><small>{escape(note)}</small></p></div>"
    )


def _cell(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)
