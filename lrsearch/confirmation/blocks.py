"""The blocks of a confirmation: in each, all candidates are trained on the same seeds, which no other block has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from optuna.study import Study

from lrsearch.confirmation.candidates import (
    Candidate,
    best_trials,
    candidate_of,
    finished_trials,
    fixed_schedules,
    winners,
)
from lrsearch.errors import InputError
from lrsearch.experiment.experiment import Experiment, Seeds

AA, POSITIVE = "aa", "positive"
"""The kinds of controls."""


@dataclass(frozen=True)
class Block:
    """A block of seeds: one split, one initialisation and one order of the data, and what is trained on them."""

    index: int
    seeds: Seeds
    candidates: tuple[Candidate, ...]

    def seeds_of(self, candidate: Candidate) -> Seeds:
        """Return the seeds on which a candidate is trained: the block's, or an A/A twin's own.

        A twin shares the split alone: on the same initialisation and order it would give the same result to the bit,
        and prove nothing.
        """
        if candidate.control != AA:
            return self.seeds
        return replace(Seeds.of(self.seeds.init, "A/A", self.index), split=self.seeds.split)


@dataclass(frozen=True)
class BlockPlan:
    """The blocks of a confirmation, the families that are left out, and the winners at smaller tuning budgets.

    Attributes:
        blocks: all that are planned.
        left_out: families of which no trial is complete.
        tuning_budgets: {k: the candidate that stands for each family after its first k trials, {family: candidate} by
            block}; the family's winner where it is among the first k trials already.
    """

    blocks: tuple[Block, ...]
    left_out: tuple[str, ...]
    tuning_budgets: dict[int, list[dict[str, str]]]


def plan_blocks(
    experiment: Experiment, searches: Sequence[Study], *, blocks: int, top: int = 1, tuning_budgets: Sequence[int] = ()
) -> BlockPlan:
    """Return the blocks of a confirmation.

    After one search every block trains its winners on fresh seeds, which says something of these configurations. After
    several independent searches block b trains the winners of search b, which says something of the families; their
    number is the number of blocks then.

    Args:
        experiment: of the study.
        searches: the studies of the search, one a replicate; none for fixed schedules alone.
        blocks: how many, after one search or none.
        top: configurations of each family.
        tuning_budgets: numbers of trials; the winner of each family's first k trials is trained too.

    Raises:
        InputError: if a family has had no more trials than a tuning budget.
    """
    fixed = fixed_schedules(experiment)
    by_search = [winners(experiment, search, top) for search in searches]
    left_out = sorted({family for _, empty in by_search for family in empty})
    # A family that one search left empty could not be paired: it is left out of all blocks.
    chosen = [[candidate for candidate in won if candidate.name not in left_out] for won, _ in by_search]
    searched = [family for family in experiment.config.search.families if family not in left_out]
    standing: dict[int, list[dict[str, str]]] = {}
    for trials in tuning_budgets if searches else ():
        standing[trials] = []
        for search, candidates in zip(searches, chosen, strict=True):
            standing[trials].append(_add_winners_after(experiment, search, trials, searched, candidates))
    if len(searches) <= 1:
        chosen = (chosen or [[]]) * blocks
        standing = {trials: stands * blocks for trials, stands in standing.items()}
    seed = experiment.config.seed
    made = [Block(index, Seeds.of(seed, "confirm", index), (*won, *fixed)) for index, won in enumerate(chosen)]
    return BlockPlan(tuple(made), tuple(left_out), standing)


def _add_winners_after(
    experiment: Experiment, search: Study, trials: int, families: Sequence[str], candidates: list[Candidate]
) -> dict[str, str]:
    """Return the name of each family's winner after its first `trials`, added to `candidates` where it is missing."""
    standing = {}
    for family in families:
        finished = finished_trials(search, family)
        if len(finished) <= trials:
            raise InputError(
                f"plan.tuning_efforts must be below the number of trials of every family, got {trials}, and {family} "
                f"has {len(finished)} in {search.study_name!r}"
            )
        for first in best_trials(experiment, finished[:trials])[:1]:
            name = f"{family} after {trials}"
            made = candidate_of(experiment, first, name, tuning_budget=trials)
            of_family = [
                c for c in candidates if c.name == family or (c.tuning_budget and c.name.startswith(f"{family} after "))
            ]
            same = next((c for c in of_family if (c.schedule, c.settings) == (made.schedule, made.settings)), None)
            standing[family] = (same or made).name
            if same is None:
                candidates.append(made)
    return standing
