"""Which family if one can afford k trials: the winners of every family's first k trials, compared by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from optuna.study import Study

from lrsearch.comparison import Comparison
from lrsearch.comparison.from_records import ConfirmationPlan, compare_records
from lrsearch.comparison.settings import make_claim
from lrsearch.config import StudyConfig
from lrsearch.errors import InputError
from lrsearch.records import TrialRecord


@dataclass(frozen=True, eq=False)
class EffortVerdict:
    """The families tuned with their first `trials` trials alone, over the blocks of the verdict.

    Attributes:
        trials: of each family.
        comparison: all pairs of families, at the verdict's alpha, which is not shared with other efforts; None where
            nothing could be compared.
        why_not: the reason then.
    """

    trials: int
    comparison: Comparison | None
    why_not: str = ""

    @property
    def sentence(self) -> str:
        """Which family if one can afford so many trials, in words."""
        opening = f"After {self.trials} trials of each family"
        if self.comparison is None:
            return f"{opening}: not comparable: {self.why_not}"
        chosen = self.comparison.recommended
        if not chosen:
            return f"{opening} none can be recommended"
        return f"{opening} not shown worse than the best: {', '.join(chosen)}"


def effort_entries(confirmation: Study) -> tuple[str, ...]:
    """Return the entries of a confirmation that stand for an effort below the search's end."""
    stands = [block for blocks in confirmation.user_attrs.get("efforts", {}).values() for block in blocks]
    return tuple(dict.fromkeys(name for block in stands for family, name in block.items() if name != family))


def effort_verdicts(
    confirmation: Study, found: Sequence[TrialRecord], plan: ConfirmationPlan, config: StudyConfig
) -> tuple[EffortVerdict, ...]:
    """Return the verdict at each of the plan's tuning efforts, the smallest first.

    Where the first k trials of a search hold the family's winner already, its runs count at this effort too.

    Args:
        confirmation: its attribute `efforts` tells which entry stands for which family in which block.
        found: its records.
        plan: of the verdict.
        config: of the study.
    """
    runs = {(record.block, record.family): record for record in found}
    verdicts = []
    for trials, blocks in sorted((int(k), v) for k, v in confirmation.user_attrs.get("efforts", {}).items()):
        families = [family for family in config.search.families if all(family in block for block in blocks)]
        records = [
            replace(runs[index, block[family]], family=family)
            for index, block in enumerate(blocks)
            for family in families
            if (index, block[family]) in runs
        ]
        claim = make_claim(
            int(confirmation.user_attrs.get("searches", 0)), trials=trials, sampler=config.search.sampler
        )
        without = tuple(f for f in config.search.families if f not in families)
        own = replace(plan, controls=(), excluded=(), left_out=without).with_settings(claim=claim, contrasts="all")
        try:
            compared = compare_records(records, own, np.random.default_rng([config.seed, trials]))
            verdicts.append(EffortVerdict(trials, compared))
        except InputError as error:
            verdicts.append(EffortVerdict(trials, None, str(error)))
    return tuple(verdicts)
