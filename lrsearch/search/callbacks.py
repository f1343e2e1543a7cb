"""Callbacks as Optuna's `study.optimize` takes them, called once for every trial that finishes in a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy

from optuna.study import Study
from optuna.trial import FrozenTrial

from lrsearch.trials.history import FINISHED, History

Callback = Callable[[Study, FrozenTrial], None]
"""What is told of a trial that is complete or pruned, such as those of optuna-integration."""


class FinishedTrials:
    """Tells callbacks of every trial that has finished since this was made, whichever process trained it.

    They are called in the process that began the search, so that they need not be pickled and may keep what they like.
    Leaving the context tells of the last ones, also where the search was interrupted.

    Args:
        histories: of the replicates.
        callbacks: each is called with the study and a copy of the trial.
    """

    def __init__(self, histories: Sequence[History], callbacks: Sequence[Callback]) -> None:
        self._histories, self._callbacks = histories, callbacks
        for history in histories:
            history.read()
        self._told = [len(history.ended) for history in histories]

    def __enter__(self) -> FinishedTrials:
        return self

    def __exit__(self, *_: object) -> None:
        self.tell()

    def tell(self) -> None:
        """Call the callbacks for what has finished since the last call; an error of theirs is raised."""
        if not self._callbacks:
            return
        for place, history in enumerate(self._histories):
            history.read()
            while self._told[place] < len(history.ended):
                trial = history.ended[self._told[place]]
                self._told[place] += 1
                if trial.state in FINISHED:
                    for callback in self._callbacks:
                        callback(history.study, deepcopy(trial))
