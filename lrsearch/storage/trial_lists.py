"""Counting and listing trials: in the database where it is one of Optuna's, by Optuna's own interface elsewhere."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial

from lrsearch.records import finite_real
from lrsearch.storage.study import load_study, stored_names
from lrsearch.storage.trial import family_of
from lrsearch.storage.trial_filter import TrialCount, TrialFilter, TrialLine
from lrsearch.storage.trial_queries import TrialQueries


def count_trials(storage: BaseStorage) -> list[TrialCount]:
    """Return how many trials of each study have each state and family, in no order."""
    queries = TrialQueries.of(storage)
    return count_by_api(storage) if queries is None else queries.counts()


def newest_trials(
    storage: BaseStorage, studies: Sequence[str], wanted: TrialFilter = TrialFilter(), most: int | None = None
) -> list[TrialLine]:
    """Return the trials of these studies that are asked for, in the order of the studies and by number.

    Args:
        storage: where.
        studies: their names.
        wanted: which trials.
        most: the newest of them, those with the highest numbers; None for all.
    """
    studies = [study for study in studies if wanted.takes_study(study)]
    queries = TrialQueries.of(storage)
    lines = list_by_api(storage, studies, wanted) if queries is None else queries.lines(studies, wanted, most)
    place = {study: at for at, study in enumerate(studies)}
    if most is not None:
        lines = sorted(lines, key=lambda line: (-line.number, -place[line.study]))[:most]
    return sorted(lines, key=lambda line: (place[line.study], line.number))


def count_by_api(storage: BaseStorage) -> list[TrialCount]:
    """Return what `count_trials` does, from every trial as Optuna reads it."""
    values: dict[tuple[str, str, str], list[float | None]] = defaultdict(list)
    for study in stored_names(storage):
        for trial in _trials(storage, study):
            diverged = trial.user_attrs.get("stop_reason") == "diverged"
            values[study, trial.state.name.lower(), family_of(trial)].append(None if diverged else _value(trial))
    finite = {key: [value for value in given if value is not None] for key, given in values.items()}
    return [
        TrialCount(*key, len(given), min(finite[key], default=None), max(finite[key], default=None))
        for key, given in values.items()
    ]


def list_by_api(storage: BaseStorage, studies: Sequence[str], wanted: TrialFilter) -> list[TrialLine]:
    """Return a line for each trial that is asked for, from every trial as Optuna reads it."""
    return [
        TrialLine.of(
            study,
            trial.number,
            trial.state.name.lower(),
            value=_value(trial),
            epochs=len(trial.intermediate_values),
            params=trial.params,
            attributes=trial.user_attrs,
        )
        for study in studies
        for trial in _trials(storage, study)
        if wanted.takes(study, trial.state.name.lower(), family_of(trial))
    ]


def _trials(storage: BaseStorage, study: str) -> list[FrozenTrial]:
    return load_study(storage, study).get_trials(deepcopy=False)


def _value(trial: FrozenTrial) -> float | None:
    return finite_real(trial.values[0]) if trial.state.is_finished() and trial.values else None
