"""Optuna's cache of the trials of a database, with what a search asks of it made cheap in a long study."""

from __future__ import annotations

import copy
import threading
from collections.abc import Container, Iterator
from contextlib import contextmanager

from optuna.storages import BaseStorage, RDBStorage
from optuna.storages._cached_storage import _CachedStorage
from optuna.trial import FrozenTrial, TrialState

_FINISHED = [state for state in TrialState if state.is_finished()]


class TrialCache(_CachedStorage):
    """The cache that Optuna puts before a database; it checks and sorts all its trials at every read."""

    _thread = threading.local()

    @contextmanager
    def as_last_read(self) -> Iterator[None]:
        """Give this thread the trials as they were when they were last read, without a question to the database."""
        self._thread.held = self
        try:
            yield
        finally:
            del self._thread.held

    def _is_held(self) -> bool:
        return getattr(self._thread, "held", None) is self

    def get_trial(self, trial_id: int) -> FrozenTrial:
        """Return a trial, as Optuna does."""
        with self._lock:
            if self._is_held() and (known := self._trial_id_to_study_id_and_number.get(trial_id)) is not None:
                study_id, number = known
                trial = self._studies[study_id].trials[number]
                if trial.state == TrialState.RUNNING:  # a waiting one may have been taken since
                    return copy.deepcopy(trial)
        return super().get_trial(trial_id)

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        """Return the trials of a study by number, as Optuna does."""
        if not self._is_held() or study_id not in self._studies:
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
