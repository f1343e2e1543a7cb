"""Which family at a smaller tuning budget: the winners of every family's first k trials, compared by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lrsearch.comparison import Comparison
from lrsearch.comparison.from_records import ConfirmationPlan, compare_records
from lrsearch.comparison.settings import make_claim
from lrsearch.errors import InputError
from lrsearch.records import TrialRecord
from lrsearch.storage import StudyPart
from lrsearch.text import counted


@dataclass(frozen=True, eq=False)
class TuningBudgetVerdict:
    """The families tuned with their first `trials` trials alone, over the blocks of the verdict.

    Attributes:
        trials: of each family.
        comparison: all pairs of families, at the verdict's alpha, which is not shared with other budgets; None where
            nothing could be compared.
        why_not: the reason then.
    """

    trials: int
    comparison: Comparison | None
    why_not: str = ""

    @property
    def sentence(self) -> str:
        """Which family at this number of trials, in words."""
        opening = f"After {counted(self.trials, 'trial')} of each family"
        if self.comparison is None:
            return f"{opening}: not comparable: {self.why_not}"
        chosen = self.comparison.recommended
        if not chosen:
            return f"{opening} none can be recommended"
        return f"{opening} not shown worse than the best: {', '.join(chosen)}"


def smaller_budget_candidates(confirmation: StudyPart) -> tuple[str, ...]:
    """Return the candidates of a confirmation that only stand for a tuning budget smaller than the search's."""
    stands = [block for blocks in confirmation.attributes.efforts.values() for block in blocks]
    return tuple(dict.fromkeys(name for block in stands for family, name in block.items() if name != family))


def tuning_budget_verdicts(
    confirmation: StudyPart, runs: Sequence[TrialRecord], plan: ConfirmationPlan
) -> tuple[TuningBudgetVerdict, ...]:
    """Return the verdict at each of the plan's smaller tuning budgets, the smallest first.

    Where the first k trials of a search hold the family's winner already, its runs count at this budget too.

    Args:
        confirmation: its attribute `efforts` tells which candidate stands for which family in which block.
        runs: of it.
        plan: of the verdict.
    """
    config, by_cell = confirmation.config, {(run.block, run.family): run for run in runs}
    verdicts = []
    for trials, blocks in sorted((int(k), v) for k, v in confirmation.attributes.efforts.items()):
        families = [family for family in config.search.families if all(family in block for block in blocks)]
        records = [
            replace(by_cell[index, block[family]], family=family)
            for index, block in enumerate(blocks)
            for family in families
            if (index, block[family]) in by_cell
        ]
        claim = make_claim(confirmation.attributes.searches, trials=trials, sampler=config.search.sampler)
        without = tuple(f for f in config.search.families if f not in families)
        budget_plan = replace(plan, controls=(), excluded=(), left_out=without).with_settings(
            claim=claim, contrasts="all"
        )
        try:
            compared = compare_records(records, budget_plan, np.random.default_rng([config.seed, trials]))
            why_not = "" if compared.judged else compared.verdict_text.removesuffix(".")
            verdicts.append(TuningBudgetVerdict(trials, compared if compared.judged else None, why_not))
        except InputError as error:
            verdicts.append(TuningBudgetVerdict(trials, None, str(error)))
    return tuple(verdicts)
