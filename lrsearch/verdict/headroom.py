"""What the named families leave on the table: one planned contrast, the best of them against the free form."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from lrsearch.comparison import Comparison
from lrsearch.comparison.from_records import ConfirmationPlan, scores_of
from lrsearch.comparison.inference.crosscheck import planned_contrast
from lrsearch.records import TrialRecord
from lrsearch.schedules import FAMILIES, own_optimizer

_FEWEST_BLOCKS = 2


def free_forms(names: Iterable[str]) -> tuple[str, ...]:
    """Return those of confirmed candidates that are a free form, a second configuration (`spline #2`) among them."""
    return tuple(
        name for name in names if (family := name.partition(" #")[0]) in FAMILIES and FAMILIES[family].free_form
    )


def headroom(runs: Sequence[TrialRecord], plan: ConfirmationPlan, comparison: Comparison, *, searches: int) -> str:
    """Return in one sentence what the best named candidate leaves to the best free form found; "" without either.

    A candidate with an optimizer of its own is not asked: what sets it apart is not its curve alone.

    Args:
        runs: of the confirmation.
        plan: of its comparison.
        comparison: of the named candidates.
        searches: independent ones that stand behind the candidates.
    """
    metric = plan.settings.metric
    free = free_forms(run.family for run in runs)
    if not free:
        return ""
    apart = {run.family for run in runs if own_optimizer(run.schedule.get("family"))}
    scored = zip(comparison.families, comparison.means.mean.tolist(), strict=True)
    means = {name: mean for name, mean in scored if name not in apart}
    if not means:
        return ""
    best = max(means, key=lambda name: metric.sign * means[name] if np.isfinite(means[name]) else -np.inf)
    scores = {name: _by_block(runs, plan, name) for name in (best, free[0])}
    shared = sorted(scores[best].keys() & scores[free[0]].keys())
    gains = np.array([metric.sign * (scores[free[0]][block] - scores[best][block]) for block in shared])
    if len(gains) < _FEWEST_BLOCKS or not np.all(np.isfinite(gains)):
        return f"What {best}, the best named family, leaves to a free form is not known: a run of one of them diverged."
    contrast = planned_contrast(gains, alpha=plan.settings.alpha)
    return (
        f"The best named family, {best}, leaves {metric.number(contrast.estimate)} {metric.unit} "
        f"({metric.number(contrast.low)} to {metric.number(contrast.high)}) to the best free form found"
        + ("; one search stands behind it, so this is descriptive." if searches < 2 else ".")
    )


def _by_block(runs: Sequence[TrialRecord], plan: ConfirmationPlan, name: str) -> dict[int, float]:
    of_it = [run for run in runs if run.family == name and run.block is not None]
    planned = [run for run in of_it if plan.blocks is None or (run.block or 0) < plan.blocks]
    [scores], _ = scores_of([planned], plan)
    return {run.block or 0: score for run, score in zip(planned, scores.tolist(), strict=True)}
