"""From the records of a confirmation to a comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lrsearch.comparison.compare import compare_scores
from lrsearch.comparison.contrasts import Contrasts, Groups
from lrsearch.comparison.result import Comparison
from lrsearch.comparison.sentences import name_tie_breaker
from lrsearch.errors import InputError
from lrsearch.records import TrialRecord
from lrsearch.schedules import SEARCHED

_MORE_INFORMED = "reduce_on_plateau"


@dataclass(frozen=True)
class Plan:
    """What a confirmation's study says of it besides the runs.

    Attributes:
        claim: begins with "these configurations" or "these families".
        rope, alpha, contrasts: as `compare_scores` takes them.
        points: what one unit of the metric is in points: 100 for an accuracy, negative where lower is better.
        chance: the metric of a model that learned nothing, in points, or None to look for no failed runs.
        metric: its name.
        controls: entries whose truth is known, whose seeds may differ on purpose.
        excluded: entries that the comparison leaves out, the controls unless they are what is asked about.
        left_out: families of which no trial was finished, for the claim to name.
        blocks: how many were planned, the first ones; None for all that are there.
    """

    claim: str
    rope: float
    alpha: float = 0.05
    contrasts: Contrasts = "all"
    points: float = 100.0
    chance: float | None = None
    metric: str = "accuracy"
    controls: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    blocks: int | None = None

    @property
    def whole_claim(self) -> str:
        """The claim with the families that it cannot speak of."""
        if not self.left_out:
            return self.claim
        return f"{self.claim} (without {', '.join(self.left_out)}, of which no trial was finished)"


def compare_records(records: Sequence[TrialRecord], plan: Plan, rng: np.random.Generator) -> Comparison:
    """Compare the entries of a confirmation over its whole blocks.

    `reduce_on_plateau` is left out of the comparison, with a warning: it reads a metric, and so uses more information
    than the others.

    Raises:
        InputError: if fewer than two entries or six whole blocks are there, or blocks are not independent units.
    """
    runs = _runs(records)
    entries, informed = _entries(runs, plan)
    blocks = whole_blocks(records, plan)
    if len(entries) < 2:
        raise InputError(f"a comparison needs at least 2 entries, got {', '.join(entries) or 'none'}")
    table = [[runs[block, entry] for entry in entries] for block in blocks]
    if not table:
        raise InputError(
            "a comparison needs at least 6 blocks in which every entry has been run, got none: confirm first"
        )
    _require_independent(table, plan.controls)
    scores = np.array([[plan.points * _accuracy(run) for run in row] for row in table])
    parameters = {e: len(SEARCHED[e]) for e in entries if e in SEARCHED}
    comparison = compare_scores(
        scores,
        entries,
        rope=plan.rope,
        rng=rng,
        alpha=plan.alpha,
        contrasts=_without(plan.left_out, plan.contrasts),
        claim=plan.whole_claim,
        metric=plan.metric,
        chance=plan.chance,
        correct=_correct(table),
        block_seconds=float(np.mean([sum(run.seconds or 0.0 for run in row) for row in table])),
        parameters=parameters,
    )
    warnings = comparison.warnings + _left_out(informed)
    return name_tie_breaker(replace(comparison, warnings=warnings), parameters)


def whole_blocks(records: Sequence[TrialRecord], plan: Plan) -> list[int]:
    """Return the numbers of the planned blocks in which every entry has been run."""
    runs = _runs(records)
    entries, _ = _entries(runs, plan)
    planned = [b for b in sorted({b for b, _ in runs}) if plan.blocks is None or b < plan.blocks]
    return [b for b in planned if all((b, entry) in runs for entry in entries)]


def _runs(records: Sequence[TrialRecord]) -> dict[tuple[int, str], TrialRecord]:
    return {(r.block, r.family): r for r in records if r.block is not None and r.test_accuracy is not None}


def _entries(runs: Mapping[tuple[int, str], TrialRecord], plan: Plan) -> tuple[list[str], list[str]]:
    """Return the entries that are compared, and those that are not because they read a metric."""
    informed = {r.family for r in runs.values() if r.schedule.get("family", r.family) == _MORE_INFORMED}
    names = dict.fromkeys(r.family for r in runs.values() if r.family not in plan.excluded)
    return [name for name in names if name not in informed], [name for name in names if name in informed]


def _left_out(names: Sequence[str]) -> tuple[str, ...]:
    """Return the warning of the entries that were confirmed and are not compared, if there are any."""
    if not names:
        return ()
    return (
        f"left out of the comparison, though confirmed: {', '.join(names)}, which reads a metric and so uses more "
        "information than the others",
    )


def _without(left_out: tuple[str, ...], contrasts: Contrasts) -> Contrasts:
    """Return the contrasts without the families that are left out of their groups; an empty group is no group."""
    if not isinstance(contrasts, Groups):
        return contrasts
    kept = {name: [f for f in members if f not in left_out] for name, members in contrasts.members.items()}
    return Groups({name: members for name, members in kept.items() if members})


def _accuracy(run: TrialRecord) -> float:
    return run.test_accuracy if run.test_accuracy is not None else float("nan")


def _require_independent(table: Sequence[Sequence[TrialRecord]], controls: tuple[str, ...]) -> None:
    def seeds(name: str) -> NDArray[np.float64]:
        return np.array(
            [[getattr(r, name) for r in row if r.family not in controls] for row in table], dtype=np.float64
        )

    require_independent_units(
        split_seeds=seeds("split_seed"), order_seeds=seeds("order_seed"), init_seeds=seeds("init_seed")
    )


def _correct(table: Sequence[Sequence[TrialRecord]]) -> NDArray[np.bool_] | None:
    """Return [blocks, entries, examples], or None if it was not kept for every run that has not diverged."""
    examples = {len(run.test_correct) for row in table for run in row if run.test_correct is not None}
    missing = any(run.test_correct is None and run.stop_reason != "diverged" for row in table for run in row)
    if missing or len(examples) != 1:
        return None
    return np.array([[_examples(run, *examples) for run in row] for row in table])


def _examples(run: TrialRecord, examples: int) -> NDArray[np.bool_]:
    """Return a run's examples; those of a diverged run, whose family is not tested, only have the right mean."""
    if run.test_correct is not None:
        return run.test_correct
    return np.arange(examples) < round(_accuracy(run) * examples)


def require_independent_units(*, split_seeds: ArrayLike, order_seeds: ArrayLike, init_seeds: ArrayLike) -> None:
    """Raise InputError unless each block has its own split, order and init seeds, the same for all its families.

    Each argument is [blocks, families]. Units that share 5 % of their variance raise the family-wise error from 0.05 to
    about 0.3, and nothing in the scores shows it: only the seeds do.
    """
    for name, given in (("split", split_seeds), ("order", order_seeds), ("init", init_seeds)):
        seeds = np.asarray(given)
        if seeds.ndim != 2:
            raise InputError(f"{name}_seeds must have the axes [blocks, families], but its shape is {seeds.shape}")
        unpaired = np.flatnonzero((seeds != seeds[:, :1]).any(axis=1))
        if unpaired.size:
            raise InputError(
                f"the {name} seed must be the same for all families of a block, but block {unpaired[0]} "
                "has several: its scores are not paired"
            )
        values, counts = np.unique(seeds[:, 0], return_counts=True)
        if (counts > 1).any():
            blocks = np.flatnonzero(seeds[:, 0] == values[counts > 1][0])
            raise InputError(
                f"every block needs its own {name} seed, but blocks {', '.join(map(str, blocks))} share "
                f"{values[counts > 1][0]}: they are not independent units; run them on fresh seeds"
            )
