"""What can be said of a search before it trains anything: what is left to do, and what its budget can teach."""

from __future__ import annotations

from collections.abc import Sequence

from lrsearch.schedules import reads_metric, step_families
from lrsearch.search.digest import turns
from lrsearch.search.replicate import Replicate
from lrsearch.search.sampling import STARTUP_POINTS, STARTUP_TRIALS, FamilySampler
from lrsearch.text import counted


def foresight(replicates: Sequence[Replicate]) -> list[str]:
    """Return a line for each thing that a person should know before a search begins; none where all is usual.

    Args:
        replicates: of the search, their histories read.
    """
    first = replicates[0]
    search, space = first.experiment.config.search, first.experiment.space
    lines = []
    if first.experiment.config.run is not None and set(space.families) == set(step_families()):
        lines.append("reduce_on_plateau is left out: it reads a metric, and has no table of rates")
    finished = min(replicate.history.finished for replicate in replicates)
    if exhausted := space.size < search.trials:
        lines.append(
            f"the search space holds {counted(first.total, 'configuration')}: the search ends there, and not after "
            f"{counted(search.trials, 'trial')}"
        )
    if finished >= first.total:
        lines.append(
            f"nothing to do: study {first.study.study_name!r} has {counted(finished, 'finished trial')}; give it more "
            "families or wider ranges, under another name, to search further"
            if exhausted
            else f"nothing to do: study {first.study.study_name!r} has {counted(finished, 'finished trial')}, and "
            f"--trials {search.trials} is the total; give a larger one to search further"
        )
    elif isinstance(sampler := first.study.sampler, FamilySampler):
        if sampler.kind == "tpe":
            lines.append(_what_tpe_learns(first.total, space.families, sampler.startup_trials))
        elif sampler.kind == "gp":
            lines += _what_gp_learns(first.total, space.families)
    return lines


def _each(trials: int, families: Sequence[str]) -> int:
    return trials // sum(map(turns, families))


def _shares(trials: int, families: Sequence[str]) -> str:
    named, each = [family for family in families if turns(family) == 1], _each(trials, families)
    free = "".join(f", and {each * turns(family)} of {family}" for family in families if turns(family) > 1)
    if len(families) == 1:
        return f"{counted(trials, 'trial')} of one family"
    if each == 0:
        are = "is" if trials == 1 else "are"
        return f"{counted(trials, 'trial')} {are} less than a turn for each of {len(families)} families"
    return f"{counted(trials, 'trial')} are {each} for each of {counted(len(named), 'family')}{free}"


def _what_tpe_learns(trials: int, families: Sequence[str], at_random: int) -> str:
    each = _each(trials, families)
    shares = _shares(trials, families)
    if each > at_random:
        return f"{shares}: {at_random} drawn at random, {each - at_random} chosen by TPE"
    return (
        f"{shares}, and TPE draws the first {at_random} of a family at random: this is a random search (TPE would "
        f"choose from {(at_random + 1) * sum(map(turns, families))} trials on)"
    )


def _what_gp_learns(trials: int, families: Sequence[str]) -> list[str]:
    from lrsearch.search.gp.curve_search import MOST_TRIALS  # imports SciPy, which other samplers do not need

    each = _each(trials, families)
    shares = _shares(trials, families)
    apart = [family for family in families if reads_metric(family)]
    if each <= STARTUP_POINTS:
        first = (STARTUP_POINTS + 1) * sum(map(turns, families))
        lines = [f"{shares}, spread evenly over the ranges: the model would choose from {first} trials on"]
    else:
        chosen = f"{each - STARTUP_POINTS} chosen by what the trials of all families show"
        lines = [f"{shares}: {STARTUP_POINTS} spread evenly over the ranges, {chosen}"]
    lines += [
        f"{family} is searched by a TPE of its own ({STARTUP_TRIALS} trials at random), with less to learn from: its "
        "rates are not known before training"
        for family in apart
    ]
    if trials > MOST_TRIALS:
        lines.append(
            f"above {MOST_TRIALS} finished trials the model keeps the best {MOST_TRIALS // 2} and as many drawn ones"
        )
    return lines
