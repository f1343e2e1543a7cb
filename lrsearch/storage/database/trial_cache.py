"""Optuna's cache of the trials of a database, with what a search asks of it made cheap in a long study."""

from __future__ import annotations

import copy
from collections.abc import Container

from optuna.storages import BaseStorage, RDBStorage
from optuna.storages._cached_storage import _CachedStorage
from optuna.trial import FrozenTrial, TrialState

_FINISHED = [state for state in TrialState if state.is_finished()]


class TrialCache(_CachedStorage):
    """The cache that Optuna puts before a database; it checks and sorts all its trials at every read."""

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        """Return the trials of a study by number, as Optuna does."""
        self._read_trials_from_remote_storage(study_id)
        with self._lock:
            study = self._studies[study_id]
            if states is None or any(state in states for state in _FINISHED):
                numbers = sorted(study.trials)
            else:
                numbers = sorted(self._trial_id_to_study_id_and_number[one][1] for one in study.unfinished_trial_ids)
            trials = list(map(study.trials.__getitem__, numbers))
            if states is not None:
                trials = [trial for trial in trials if trial.state in states]
            return copy.deepcopy(trials) if deepcopy else trials


def cached(storage: BaseStorage) -> BaseStorage:
    """Return what a study is to be opened with: a database behind a cache, another storage as it is."""
    return TrialCache(storage) if isinstance(storage, RDBStorage) else storage
