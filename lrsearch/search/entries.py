"""What a confirmation compares: the winners of a search, and the fixed schedules of a study file."""

from __future__ import annotations

from collections.abc import Sequence

from optuna.study import Study
from optuna.trial import TrialState

from lrsearch.search.confirm import Block, Entry, baseline_entries
from lrsearch.search.experiment import Experiment, Seeds


def winners(experiment: Experiment, study: Study, top: int = 1) -> tuple[list[Entry], list[str]]:
    """Return the best complete trials of each family as entries, and the families that have none.

    Args:
        experiment: of the study.
        study: a search.
        top: how many configurations of a family; the second is named "cosine #2".
    """
    sign = -1 if experiment.workload.direction == "maximize" else 1
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    entries, empty = [], []
    for family in experiment.config.search.families:
        own = [trial for trial in complete if trial.params.get("family") == family and trial.value is not None]
        best = sorted(own, key=lambda trial: (sign * trial.value, trial.number))[:top]  # type: ignore[operator]
        for place, trial in enumerate(best, start=1):
            settings = {name: trial.params[name] for name in experiment.config.optimizer.searched()}
            name = family if place == 1 else f"{family} #{place}"
            entries.append(Entry(name, experiment.schedule(trial.params).params(), settings))
        if not best:
            empty.append(family)
    return entries, empty


def plan_blocks(
    experiment: Experiment, searches: Sequence[Study], *, blocks: int, top: int = 1
) -> tuple[list[Block], list[str]]:
    """Return the blocks of a confirmation, and the families left out because no trial of theirs is complete.

    After one search every block trains its winners on fresh seeds, which says something of these configurations. After
    several independent searches block b trains the winners of search b, which says something of the families; their
    number is the number of blocks then.

    Args:
        experiment: of the study.
        searches: the studies of the search, one a replicate; none for fixed schedules alone.
        blocks: how many, after one search or none.
        top: configurations of each family.
    """
    fixed = baseline_entries(experiment)
    found = [winners(experiment, study, top) for study in searches]
    left_out = sorted({family for _, empty in found for family in empty})
    if len(searches) <= 1:
        chosen = [(found[0][0] if found else [])] * blocks
    else:
        # A family that one search left empty could not be paired: it is left out of all blocks.
        chosen = [[entry for entry in entries if entry.name not in left_out] for entries, _ in found]
    seed = experiment.config.seed
    return [
        Block(index, Seeds.of(seed, "confirm", index), (*entries, *fixed)) for index, entries in enumerate(chosen)
    ], left_out
