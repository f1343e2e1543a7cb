"""The pruner of trials side by side: it knows every report of the study, this process's own before they are stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from lrsearch.metric import Direction
from lrsearch.search.pruning import PrunerCore, PruningRule
from lrsearch.trials.history import FINISHED, History
from lrsearch.trials.trial_log import TrialLog


class LanePruner:
    """Judges the trials of this process after an epoch, all together, so that their order decides nothing.

    Args:
        rule: asked within the family.
        direction: of the metric.
        history: of the study; trials that have ended are taken in once.
    """

    def __init__(self, rule: PruningRule, direction: Direction, history: History) -> None:
        self._rule, self._history = rule, history
        self._core = PrunerCore(rule, direction=direction)
        self._taken_in = 0
        self._unstored: dict[int, TrialLog] = {}

    def ended(self, log: TrialLog) -> None:
        """Remember a trial of this process until its end is stored."""
        self._unstored[log.trial.number] = log

    def pruned(self, running: Mapping[int, TrialLog], reported: Iterable[int]) -> set[int]:
        """Return the numbers of those among the running trials that are to be stopped after their last epoch.

        Args:
            running: the trials of this process, by number.
            reported: the numbers of those that have just finished another epoch.
        """
        logs = {number: running[number] for number in reported}
        judged = {number: log for number, log in logs.items() if self._rule.rung(log.epochs) == log.epochs}
        if not judged:
            return set()
        self._history.read()
        for trial in self._history.ended[self._taken_in :]:
            self._unstored.pop(trial.number, None)
            if trial.state in FINISHED:
                for epoch, value in trial.intermediate_values.items():
                    self._core.report(str(trial.params.get("family", "")), epoch, value)
        self._taken_in = len(self._history.ended)
        return {
            number
            for number, log in judged.items()
            if self._core.should_prune(log.family, log.epochs, log.value, self._unsettled(running, log))
        }

    def _unsettled(self, running: Mapping[int, TrialLog], judged: TrialLog) -> Iterator[float]:
        """Yield what trials that have not ended in the storage reported at a trial's epoch, its own report included."""
        current = {**self._unstored, **running}
        for log in current.values():
            if log.family == judged.family and log.epochs >= judged.epochs and not log.lost:
                yield log.reported[judged.epochs - 1]
        for trial in self._history.running:
            value = trial.intermediate_values.get(judged.epochs)
            if value is not None and trial.number not in current and trial.params.get("family") == judged.family:
                yield value
