"""What a comparison makes of candidates whose truth is known: the verdict put to the test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lrsearch.comparison.from_records import ConfirmationPlan, compare_records
from lrsearch.comparison.result import Comparison
from lrsearch.comparison.settings import Settings
from lrsearch.errors import InputError
from lrsearch.records import TrialRecord


@dataclass(frozen=True)
class Control:
    """One control beside the candidate that it is made of.

    Attributes:
        name: the control.
        of: the candidate that it stands beside.
        kind: "aa" (no difference is the truth) or "positive" (the control is worse in truth).
        mean: of the control, in the unit of the scores.
        difference: by how much the control is better than `of`, with its simultaneous limits `low` and `high` and the
            `p` that belongs to them; NaN where a failed run leaves nothing to test.
        failed: whether the control has a failed run.
        passed: whether the comparison found the truth, or None where a failed run left nothing to test.
        settings: of the comparison.
    """

    name: str
    of: str
    kind: str
    mean: float
    difference: float
    low: float
    high: float
    p: float
    failed: bool
    passed: bool | None
    settings: Settings

    @property
    def sentence(self) -> str:
        """The result in words."""
        metric = self.settings.metric
        difference, low, high = (metric.number(v, signed=True) for v in (self.difference, self.low, self.high))
        limits = f"{difference} {metric.unit}, {low} to {high}"
        if self.passed is None:
            outcome = "untested, because of failed runs"
        elif self.failed:
            outcome = "found to be worse by its failed runs, as it must be"
        elif self.kind == "aa":
            outcome = f"{'not separated, as it must be' if self.passed else 'SEPARATED in error'} ({limits})"
        else:
            outcome = f"{'found to be worse, as it must be' if self.passed else 'NOT found to be worse'} ({limits})"
        return f"{self.name}: {outcome}"

    def to_dict(self) -> dict[str, Any]:
        """Return the control as plain data."""
        numbers = {name: getattr(self, name) for name in ("mean", "difference", "low", "high", "p")}
        outcome = {"failed": self.failed, "as_it_must": self.passed, "sentence": self.sentence}
        return {"name": self.name, "of": self.of, "kind": self.kind} | numbers | outcome


def check_controls(
    records: Sequence[TrialRecord],
    plan: ConfirmationPlan,
    controls: Mapping[str, Mapping[str, str]],
    rng: np.random.Generator,
) -> tuple[Control, ...]:
    """Return what one comparison of all candidates, the controls among them, says of each control.

    All pairs are tested at the plan's alpha, by the procedure of the verdict. The verdict itself leaves the controls
    out, so that they cost it no power.

    Args:
        records: of a confirmation.
        plan: of that confirmation.
        controls: {name: {"kind": ..., "of": ...}}.
        rng: of the random sign flips.

    Raises:
        InputError: as `compare_records`; if an A/A twin was trained on the seeds of its candidate; if a control is of
            another kind or lacks its candidate.
    """
    _require_own_seeds(records, controls)
    everything = compare_records(records, replace(plan, excluded=()).with_settings(contrasts="all"), rng)
    return tuple(_control(everything, name, control["of"], control["kind"]) for name, control in controls.items())


def _control(comparison: Comparison, name: str, of: str, kind: str) -> Control:
    missing = [n for n in (name, of) if n not in comparison.families]
    if missing or kind not in ("aa", "positive"):
        raise InputError(f"control {name!r} of kind {kind!r} beside {of!r} cannot be judged; lacking: {missing}")
    i, j = comparison.families.index(name), comparison.families.index(of)
    failed = name in {failure.family for failure in comparison.failures}
    p, difference = float(comparison.p[i, j]), float(comparison.pairs.difference[i, j])
    separated = p <= comparison.settings.alpha
    truth = not separated if kind == "aa" else separated and difference < 0
    # A positive control whose runs all but learned nothing has been found too: by the rule for failures.
    passed = (True if failed and kind == "positive" else None) if np.isnan(p) else truth
    return Control(
        name=name,
        of=of,
        kind=kind,
        mean=float(comparison.means.mean[i]),
        difference=difference,
        low=float(comparison.low[i, j]),
        high=float(comparison.high[i, j]),
        p=p,
        failed=failed,
        passed=passed,
        settings=comparison.settings,
    )


def _require_own_seeds(records: Sequence[TrialRecord], controls: Mapping[str, Mapping[str, str]]) -> None:
    seeds = {(r.block, r.family): (r.init_seed, r.order_seed) for r in records}
    for name, control in controls.items():
        for block, candidate in seeds:
            same = candidate == name and seeds[block, candidate] == seeds.get((block, control["of"]))
            if control["kind"] == "aa" and same:
                raise InputError(
                    f"control {name!r} was trained on the seeds of {control['of']!r} in block {block}: it must have "
                    "seeds of its own, or it agrees to the bit and proves nothing"
                )
