"""What a confirmation compares: the winners of a search, and the fixed schedules of a study file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from lrsearch.confirmation.blocks import Block, Entry, baseline_entries
from lrsearch.errors import InputError
from lrsearch.experiment.experiment import Experiment, Seeds


@dataclass(frozen=True)
class BlockPlan:
    """The blocks of a confirmation and what to know of their entries.

    Attributes:
        blocks: all that are planned.
        left_out: families of which no trial is complete.
        efforts: {k: the entry that stands for each family after its first k trials, {family: entry} by block}; the
            family's own entry where the first k trials hold its winner already.
    """

    blocks: tuple[Block, ...]
    left_out: tuple[str, ...]
    efforts: dict[int, list[dict[str, str]]]


def winners(experiment: Experiment, study: Study, top: int = 1) -> tuple[list[Entry], list[str]]:
    """Return the best complete trials of each family as entries, and the families that have none.

    Args:
        experiment: of the study.
        study: a search.
        top: how many configurations of a family; the second is named "cosine #2".
    """
    entries, empty = [], []
    for family in experiment.config.search.families:
        best = _best(experiment, _finished(study, family))[:top]
        for place, trial in enumerate(best, start=1):
            entries.append(_entry(experiment, trial, family if place == 1 else f"{family} #{place}"))
        if not best:
            empty.append(family)
    return entries, empty


def strongest(experiment: Experiment, searches: Sequence[Study], families: Sequence[str]) -> str | None:
    """Return the one of `families` whose winners have the best mean over the searches; None where none was searched."""
    sign = -1 if experiment.workload.direction == "maximize" else 1
    means = {}
    for family in families:
        best = [_best(experiment, _finished(study, family))[:1] for study in searches]
        values = [trial.value for found in best for trial in found if trial.value is not None]
        if values and len(values) == len(searches):
            means[family] = sign * fmean(values)
    return min(means, key=means.__getitem__, default=None)


def plan_blocks(
    experiment: Experiment, searches: Sequence[Study], *, blocks: int, top: int = 1, efforts: Sequence[int] = ()
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
        efforts: numbers of trials; the winner of each family's first so many is trained besides.

    Raises:
        InputError: if a family has had no more trials than an effort.
    """
    fixed = baseline_entries(experiment)
    found = [winners(experiment, study, top) for study in searches]
    left_out = sorted({family for _, empty in found for family in empty})
    # A family that one search left empty could not be paired: it is left out of all blocks.
    chosen = [[entry for entry in entries if entry.name not in left_out] for entries, _ in found]
    searched = [family for family in experiment.config.search.families if family not in left_out]
    standing: dict[int, list[dict[str, str]]] = {}
    for trials in efforts if searches else ():
        standing[trials] = []
        for study, entries in zip(searches, chosen, strict=True):
            standing[trials].append(_after(experiment, study, trials, searched, entries))
    if len(searches) <= 1:
        chosen = (chosen or [[]]) * blocks
        standing = {trials: stands * blocks for trials, stands in standing.items()}
    seed = experiment.config.seed
    made = [Block(index, Seeds.of(seed, "confirm", index), (*entries, *fixed)) for index, entries in enumerate(chosen)]
    return BlockPlan(tuple(made), tuple(left_out), standing)


def _after(
    experiment: Experiment, study: Study, trials: int, families: Sequence[str], entries: list[Entry]
) -> dict[str, str]:
    """Return which entry stands for each family after its first `trials`; one that is not there yet is added."""
    stands = {}
    for family in families:
        finished = _finished(study, family)
        if len(finished) <= trials:
            raise InputError(
                f"plan.tuning_efforts must be below the trials that every family has had, got {trials}, and {family} "
                f"has had {len(finished)} in {study.study_name!r}"
            )
        for first in _best(experiment, finished[:trials])[:1]:
            made = replace(_entry(experiment, first, f"{family} after {trials}"), effort=trials)
            own = [e for e in entries if e.name == family or (e.effort and e.name.startswith(f"{family} after "))]
            same = next((e for e in own if (e.schedule, e.settings) == (made.schedule, made.settings)), None)
            stands[family] = (same or made).name
            if same is None:
                entries.append(made)
    return stands


def _finished(study: Study, family: str) -> list[FrozenTrial]:
    """Return the complete and pruned trials of a family by number."""
    finished = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))
    return sorted((t for t in finished if t.params.get("family") == family), key=lambda trial: trial.number)


def _best(experiment: Experiment, trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """Return the complete ones of these trials, the best first."""
    sign = -1 if experiment.workload.direction == "maximize" else 1
    complete = [
        t for t in trials if t.state == TrialState.COMPLETE and t.value is not None and _is_whole(experiment, t)
    ]
    return sorted(complete, key=lambda trial: (sign * trial.value, trial.number))  # type: ignore[operator]


def _is_whole(experiment: Experiment, trial: FrozenTrial) -> bool:
    """Return whether a trial has every parameter of its family; one that somebody added by hand may not."""
    return experiment.space.by_family[trial.params["family"]].keys() <= trial.params.keys()


def _entry(experiment: Experiment, trial: FrozenTrial, name: str) -> Entry:
    settings = {setting: trial.params[setting] for setting in experiment.config.optimizer.searched()}
    return Entry(name, experiment.schedule(trial.params).params(), settings, sampled=trial)
