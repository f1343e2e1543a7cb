"""Callbacks as Optuna's `study.optimize` takes them, called once for every trial that finishes in a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from types import TracebackType

from optuna.study import Study
from optuna.trial import FrozenTrial

from lrsearch.trials.states import FINISHED

Callback = Callable[[Study, FrozenTrial], None]
"""What is told of a trial that is complete or pruned, such as those of optuna-integration."""


class FinishedTrials:
    """Tells callbacks of every trial that has finished since this was made, whichever process trained it.

    They are called in the process that began the search, so that they need not be pickled and may keep what they like.
    Leaving the context tells of the last ones, also where the search was interrupted.

    Args:
        studies: the replicates.
        callbacks: each is called with the study and a copy of the trial, in the order of their numbers.
    """

    def __init__(self, studies: Sequence[Study], callbacks: Sequence[Callback]) -> None:
        self._studies, self._callbacks = studies, callbacks
        self._told = [{trial.number for trial in _finished(study)} for study in studies] if callbacks else []

    def __enter__(self) -> FinishedTrials:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.tell()

    def tell(self) -> None:
        """Call the callbacks for what has finished since the last call; an error of theirs is raised."""
        for study, told in zip(self._studies, self._told, strict=False):
            for trial in _finished(study):
                if trial.number not in told:
                    told.add(trial.number)
                    for callback in self._callbacks:
                        callback(study, deepcopy(trial))


def _finished(study: Study) -> list[FrozenTrial]:
    return study.get_trials(deepcopy=False, states=FINISHED)
