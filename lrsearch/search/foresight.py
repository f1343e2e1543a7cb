"""What can be said of a search before it trains anything: what is left to do, and what its budget can teach."""

from __future__ import annotations

from collections.abc import Sequence

from lrsearch.search.replicate import Replicate
from lrsearch.search.sampling import FamilySampler


def foresight(replicates: Sequence[Replicate]) -> list[str]:
    """Return a line for each thing that a person should know before a search begins; none where all is usual.

    Args:
        replicates: of the search, their histories read.
    """
    first = replicates[0]
    search, space = first.experiment.config.search, first.experiment.space
    lines = []
    if space.size < search.trials:
        lines.append(
            f"the search space holds {first.total} different configurations: the search ends after {first.total} "
            f"trials, not {search.trials}"
        )
    finished = min(replicate.history.finished for replicate in replicates)
    if finished >= first.total:
        lines.append(
            f"nothing to do: study {first.study.study_name!r} has {finished} finished trials, and --trials "
            f"{search.trials} is the total; give a larger one to search further"
        )
    elif isinstance(sampler := first.study.sampler, FamilySampler) and sampler.kind == "tpe":
        lines.append(_what_tpe_learns(first.total, len(space.families), sampler.startup_trials))
    return lines


def _what_tpe_learns(trials: int, families: int, at_random: int) -> str:
    each = trials // families
    shares = f"{trials} trials are {each} for each of {families} families"
    if each > at_random:
        return f"{shares}: {at_random} drawn at random, {each - at_random} chosen by TPE"
    return (
        f"{shares}, and TPE draws the first {at_random} of a family at random: this is a random search (TPE would "
        f"choose from {(at_random + 1) * families} trials on)"
    )
