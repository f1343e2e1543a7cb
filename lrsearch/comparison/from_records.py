"""From the records of a confirmation to a comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lrsearch.comparison.arrays import BoolArray, FloatArray
from lrsearch.comparison.compare import FEWEST_BLOCKS, ScoreTable, compare_table
from lrsearch.comparison.contrasts import Contrasts, Groups
from lrsearch.comparison.failure import FailureRule
from lrsearch.comparison.result import Comparison
from lrsearch.comparison.settings import Settings
from lrsearch.comparison.unjudged import show_few_blocks
from lrsearch.errors import InputError
from lrsearch.records import TrialRecord, off_the_means
from lrsearch.schedules import FAMILIES, reads_metric


@dataclass(frozen=True)
class ConfirmationPlan:
    """What a confirmation's study says of it besides the runs.

    Attributes:
        settings: of the comparison, its scores in the unit that people read.
        controls: candidates whose truth is known, whose seeds may differ on purpose.
        excluded: candidates that the comparison leaves out, the controls unless they are what is asked about.
        left_out: families of which no trial was finished, for the claim to name.
        blocks: how many were planned, the first ones; None for all.
        failure_rule: which runs have failed, where that is fixed; None to derive it from the blocks compared.
    """

    settings: Settings
    controls: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    blocks: int | None = None
    failure_rule: FailureRule | None = None

    def with_settings(self, **changes: Any) -> ConfirmationPlan:
        """Return the plan with some of its settings changed."""
        return replace(self, settings=replace(self.settings, **changes))

    @property
    def complete_settings(self) -> Settings:
        """The settings, their claim naming the families that it cannot speak of, which leave their groups too."""
        settings = self.settings
        if not self.left_out:
            return settings
        claim = f"{settings.claim} (without {', '.join(self.left_out)}, of which no trial was finished)"
        return replace(settings, claim=claim, contrasts=_without(self.left_out, settings.contrasts))


def compare_records(records: Sequence[TrialRecord], plan: ConfirmationPlan, rng: np.random.Generator) -> Comparison:
    """Compare the candidates of a confirmation over its whole blocks.

    `reduce_on_plateau` is left out of the comparison, with a warning: it reads a metric, and so uses more information
    than the others. Fewer than 6 whole blocks are shown and not judged.

    Raises:
        InputError: if there are fewer than two candidates or no whole block, or blocks are not independent units.
    """
    runs = _runs(records)
    candidates, informed = _candidates(runs, plan)
    blocks = whole_blocks(records, plan)
    if len(candidates) < 2:
        raise InputError(f"a comparison needs at least 2 candidates, got {', '.join(candidates) or 'none'}")
    if not blocks:
        raise InputError(
            "a comparison needs at least 6 blocks in which every candidate has been run, got none: confirm first"
        )
    rows = [[runs[block, name] for name in candidates] for block in blocks]
    _require_independent(rows, plan.controls)
    scores, diverged = scores_of(rows, plan)
    table = ScoreTable(
        scores=scores,
        families=tuple(candidates),
        diverged=diverged,
        crashed=np.array([[run.stop_reason == "crashed" for run in row] for row in rows]),
        blocks=tuple(map(str, blocks)),
        correct=_correct(rows, scores / plan.settings.metric.scale),
        block_seconds=float(np.mean([sum(run.seconds or 0.0 for run in row) for row in rows])),
        parameters={name: _parameters_to_tune(name) for name in candidates},
    )
    if len(blocks) < FEWEST_BLOCKS:
        comparison = show_few_blocks(table, plan.complete_settings, plan.failure_rule)
    else:
        comparison = compare_table(table, plan.complete_settings, rng, plan.failure_rule)
    return replace(comparison, warnings=comparison.warnings + _left_out(informed))


def _parameters_to_tune(candidate: str) -> int:
    """Return how many parameters a search draws for a candidate: none for a fixed schedule."""
    family = FAMILIES.get(candidate.partition(" #")[0])
    return 0 if family is None else len(family.priors())


def failure_rule(records: Sequence[TrialRecord], plan: ConfirmationPlan) -> FailureRule:
    """Return when a run of a confirmation has failed, from the whole blocks of its plan; without any, from its runs."""
    runs = _runs(records)
    candidates, _ = _candidates(runs, plan)
    blocks = whole_blocks(records, plan) if candidates else []
    if not blocks:
        return FailureRule(plan.settings, plan.settings.failed_at)
    rows = [[runs[block, name] for name in candidates] for block in blocks]
    return FailureRule.of(*scores_of(rows, plan), plan.settings)


def scores_of(rows: Sequence[Sequence[TrialRecord]], plan: ConfirmationPlan) -> tuple[FloatArray, BoolArray]:
    """Return the scores [rows, runs] of runs in the unit that people read, and which of them diverged.

    A run without a finite score has diverged, flagged or not. One that diverged has no score: the worst value that may
    be stored in its place is only a stand-in.
    """
    values = [[np.nan if run.test_accuracy is None else run.test_accuracy for run in row] for row in rows]
    scores = plan.settings.metric.scale * np.array(values, dtype=np.float64)
    diverged = ~np.isfinite(scores) | np.array([[run.without_score for run in row] for row in rows])
    return np.where(diverged, np.nan, scores), diverged


def whole_blocks(records: Sequence[TrialRecord], plan: ConfirmationPlan) -> list[int]:
    """Return the numbers of the planned blocks in which every candidate has been run."""
    runs = _runs(records)
    candidates, _ = _candidates(runs, plan)
    planned = [b for b in sorted({b for b, _ in runs}) if plan.blocks is None or b < plan.blocks]
    return [b for b in planned if all((b, name) in runs for name in candidates)]


def _runs(records: Sequence[TrialRecord]) -> dict[tuple[int, str], TrialRecord]:
    return {(r.block, r.family): r for r in records if r.block is not None and r.confirmed}


def _candidates(runs: Mapping[tuple[int, str], TrialRecord], plan: ConfirmationPlan) -> tuple[list[str], list[str]]:
    """Return the candidates that are compared, and those that are not because they read a metric."""
    informed = {r.family for r in runs.values() if reads_metric(r.schedule.get("family", r.family))}
    names = dict.fromkeys(r.family for r in runs.values() if r.family not in plan.excluded)
    return [name for name in names if name not in informed], [name for name in names if name in informed]


def _left_out(names: Sequence[str]) -> tuple[str, ...]:
    """Return the warning of the candidates that were confirmed and are not compared, if there are any."""
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


def _require_independent(table: Sequence[Sequence[TrialRecord]], controls: tuple[str, ...]) -> None:
    def seeds(name: str) -> NDArray[np.float64]:
        return np.array(
            [[getattr(r, name) for r in row if r.family not in controls] for row in table], dtype=np.float64
        )

    require_independent_units(
        split_seeds=seeds("split_seed"), order_seeds=seeds("order_seed"), init_seeds=seeds("init_seed")
    )


def _correct(rows: Sequence[Sequence[TrialRecord]], scores: FloatArray) -> FloatArray | None:
    """Return [blocks, candidates, examples], or None if it was not kept for every run that has not diverged.

    None as well for a single example, or where a score [blocks, candidates] is not the mean over its examples. A run
    that diverged, whose family is not tested, counts as 0 on every example.
    """
    examples = {len(run.test_correct) for row in rows for run in row if run.test_correct is not None}
    missing = any(run.test_correct is None and not run.without_score for row in rows for run in row)
    if missing or len(examples) != 1 or examples == {1}:
        return None
    lost = np.zeros(examples.pop(), dtype=bool)
    correct = np.array([[lost if run.test_correct is None else run.test_correct for run in row] for row in rows], float)
    return None if (off_the_means(scores, correct) & np.isfinite(scores)).any() else correct


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
