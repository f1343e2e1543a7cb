"""How robust a family is: the width of its good region, and whether the order holds at other epoch budgets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from lrsearch.comparison.inference.proportions import Proportion, good_region
from lrsearch.storage import StudyPart


@dataclass(frozen=True)
class GoodRegions:
    """By family, the share of its search space that is within the ROPE of its best; or why it is not known."""

    shares: dict[str, Proportion]
    why_not: str = ""


def good_regions(searches: Sequence[StudyPart]) -> GoodRegions:
    """Return the width of each family's good region, from random trials that were all trained to the end.

    TPE searches where it is good already, and a pruned trial has no last epoch: neither tells how much of the space is
    good. Trials of all replicates count together, a diverged one as outside. The best is the best value seen, which
    luck has raised, so that the share is rather too small than too large.

    Args:
        searches: the replicates of one study; none where the confirmed schedules were fixed.
    """
    if not searches:
        return GoodRegions({}, "nothing was searched")
    config = searches[0].config
    if config.search.sampler != "random" or config.search.pruner != "none":
        return GoodRegions(
            {},
            "it needs a search by --sampler random --pruner none, and this one was by "
            f"{config.search.sampler} with pruner {config.search.pruner}",
        )
    rope = config.plan.rope_for(searches[0].metric)
    if rope is None:
        return GoodRegions({}, "it needs rope in [plan] of the study file, the difference that would not matter")
    values: dict[str, list[float]] = {family: [] for family in config.search.families}
    diverged = Counter(record.family for search in searches for record in search.records if record.diverged)
    for search in searches:
        for family, of_family in search.values_by_family.items():
            if family in values:
                values[family] += [search.metric.sign * search.metric.scale * value for value in of_family]
    return GoodRegions(
        {
            family: good_region(of_family, rope=rope, alpha=config.plan.alpha, outside=diverged[family])
            for family, of_family in values.items()
            if of_family
        }
    )
