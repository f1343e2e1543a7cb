"""What a comparison makes of entries whose truth is known: the verdict put to the test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lrsearch.comparison.from_records import Plan, compare_records
from lrsearch.comparison.result import Comparison
from lrsearch.errors import InputError
from lrsearch.records import TrialRecord


@dataclass(frozen=True)
class Control:
    """One control beside the entry that it is made of.

    Attributes:
        name: the control.
        of: the entry that it stands beside.
        kind: "aa" (no difference is the truth) or "positive" (the control is worse in truth).
        mean: of the control, points.
        difference: of the control minus `of`, points, with its simultaneous limits `low` and `high` and its step-down
            `p`; NaN where a failed run leaves nothing to test.
        failed: whether the control has a failed run.
        as_it_must: whether the comparison found the truth, or None where a failed run left nothing to test.
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
    as_it_must: bool | None

    @property
    def sentence(self) -> str:
        """What was found, in words."""
        limits = f"{self.difference:+.2f} points, {self.low:+.2f} to {self.high:+.2f}"
        if self.as_it_must is None:
            found = "untested, because of failed runs"
        elif self.failed:
            found = "found to be worse by its failed runs, as it must be"
        elif self.kind == "aa":
            found = f"{'not separated, as it must be' if self.as_it_must else 'SEPARATED in error'} ({limits})"
        else:
            found = f"{'found to be worse, as it must be' if self.as_it_must else 'NOT found to be worse'} ({limits})"
        return f"{self.name}: {found}"


def check_controls(
    records: Sequence[TrialRecord],
    plan: Plan,
    controls: Mapping[str, Mapping[str, str]],
    rng: np.random.Generator,
) -> tuple[Control, ...]:
    """Return what one comparison of all entries, the controls among them, says of each control.

    All pairs are tested at the plan's alpha, by the procedure of the verdict. The verdict itself leaves the controls
    out, so that they cost it no power.

    Args:
        records: of a confirmation.
        plan: of that confirmation.
        controls: {name: {"kind": ..., "of": ...}}.
        rng: of the random sign flips.

    Raises:
        InputError: as `compare_records`; if an A/A twin was trained on the seeds of its entry; if a control is of
            another kind or lacks its entry.
    """
    _require_own_seeds(records, controls)
    everything = compare_records(records, replace(plan, contrasts="all", excluded=()), rng)
    return tuple(_control(everything, name, control["of"], control["kind"]) for name, control in controls.items())


def _control(comparison: Comparison, name: str, of: str, kind: str) -> Control:
    missing = [entry for entry in (name, of) if entry not in comparison.families]
    if missing or kind not in ("aa", "positive"):
        raise InputError(f"control {name!r} of kind {kind!r} beside {of!r} cannot be judged; lacking: {missing}")
    i, j = comparison.families.index(name), comparison.families.index(of)
    failed = name in {failure.family for failure in comparison.failures}
    p, difference = float(comparison.p[i, j]), float(comparison.difference[i, j])
    separated = p <= comparison.alpha
    truth = not separated if kind == "aa" else separated and difference < 0
    # A positive control whose runs all but learned nothing has been found too: by the rule for failures.
    as_it_must = (True if failed and kind == "positive" else None) if np.isnan(p) else truth
    return Control(
        name=name,
        of=of,
        kind=kind,
        mean=float(comparison.mean[i]),
        difference=difference,
        low=float(comparison.low[i, j]),
        high=float(comparison.high[i, j]),
        p=p,
        failed=failed,
        as_it_must=as_it_must,
    )


def _require_own_seeds(records: Sequence[TrialRecord], controls: Mapping[str, Mapping[str, str]]) -> None:
    seeds = {(r.block, r.family): (r.init_seed, r.order_seed) for r in records}
    for name, control in controls.items():
        for block, entry in seeds:
            same = entry == name and seeds[block, entry] == seeds.get((block, control["of"]))
            if control["kind"] == "aa" and same:
                raise InputError(
                    f"control {name!r} was trained on the seeds of {control['of']!r} in block {block}: it must have "
                    "seeds of its own, or it agrees to the bit and proves nothing"
                )
