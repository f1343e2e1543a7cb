"""Lanes that train side by side to their last epoch, and are stored as complete trials."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState, create_trial

from lrsearch.experiment.experiment import Experiment, Seeds
from lrsearch.records import LearningCurve
from lrsearch.runs.spec import Purpose
from lrsearch.schedules import schedule_from_params
from lrsearch.storage import worker_name
from lrsearch.training.lane import Crash, TestScores
from lrsearch.trials.record import StopReason, closing, crashed, opening

logger = logging.getLogger(__name__)

VALIDATED = ("select", "report")
"""The parts of the data that every epoch is evaluated on: validation and holdout."""


@dataclass(frozen=True)
class FullRun:
    """What one lane trains from start to end.

    Attributes:
        schedule: the schedule's parameters, as `schedule_from_params` takes them.
        seeds: of its initialisation and its order of the data.
        settings: the optimizer's settings that were searched, empty if none was.
        sampled: the trial of a search whose parameters it repeats, for its own record; None for a fixed schedule.
        folder: for what it keeps by itself; a temporary one if None.
        name: what warnings call it: a candidate in a block, or a trial.
    """

    schedule: Mapping[str, Any]
    seeds: Seeds
    settings: Mapping[str, Any] = field(default_factory=dict)
    sampled: FrozenTrial | None = None
    folder: Path | None = None
    name: str = "the run"


class FullRuns:
    """Trains lanes side by side on one split; a lane that diverges is released at once, the others go on.

    Args:
        experiment: what is trained.
        split: whose split seed all runs share.
        runs: one a lane; they are named by their place in this list.
        parts: of the data, evaluated after every epoch.
        purpose: what the runs are for.
    """

    def __init__(
        self,
        experiment: Experiment,
        split: Seeds,
        runs: Sequence[FullRun],
        *,
        parts: Sequence[str] = VALIDATED,
        purpose: Purpose = "search",
    ) -> None:
        self._experiment, self._runs, self._parts = experiment, runs, parts
        self._stack = experiment.stack(split, purpose=purpose)
        self._curves = [LearningCurve() for _ in runs]
        self._diverged: set[int] = set()
        self._crashed: dict[int, Crash] = {}
        self._told: set[int] = set()
        self._in_stack = set(range(len(runs)))
        self._epochs = [0] * len(runs)
        self._seconds = [0.0] * len(runs)
        for key, run in enumerate(runs):
            lane = experiment.lane(schedule_from_params(run.schedule), run.seeds, run.settings)
            self._stack.admit(key, lane, folder=run.folder)

    def __enter__(self) -> FullRuns:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def training(self) -> bool:
        """Whether a lane has epochs left."""
        return not all(map(self._has_ended, range(len(self._runs))))

    @property
    def epochs_done(self) -> list[int]:
        """How many epochs each lane has had, those that have failed counted as whole."""
        return [self._experiment.epochs if self._has_failed(key) else done for key, done in enumerate(self._epochs)]

    def ended(self) -> list[int]:
        """Return the lanes that have ended since the last call; they are to be released when they are stored."""
        ended = [key for key in range(len(self._runs)) if self._has_ended(key) and key not in self._told]
        self._told.update(ended)
        return ended

    def release(self, key: int) -> None:
        """Drop a lane that has ended, with what it keeps."""
        if key in self._in_stack:
            self._in_stack.remove(key)
            self._stack.release(key)

    def _has_failed(self, key: int) -> bool:
        return key in self._diverged or key in self._crashed

    def _has_ended(self, key: int) -> bool:
        return self._has_failed(key) or self._epochs[key] >= self._experiment.epochs

    def epoch(self) -> None:
        """Train the lanes that have epochs left until at least one has finished another."""
        begun = time.perf_counter()
        trained = self._stack.run_epoch(self._parts)
        share = (time.perf_counter() - begun) / len(self._runs)
        if any(metrics.seconds is None for metrics in trained.values()):  # those that have diverged pay as well
            self._seconds = [seconds + share for seconds in self._seconds]
        for key, metrics in trained.items():
            self._epochs[key] = metrics.epoch
            self._seconds[key] += metrics.seconds or 0.0
            self._curves[key] = self._curves[key].extended(
                metrics.train_loss, metrics.loss, metrics.score, metrics.more
            )
            if metrics.diverged:
                name, parts = self._runs[key].name, ", ".join(metrics.not_finite)
                logger.warning(f"{name} has diverged in epoch {metrics.epoch} (NaN or infinite: {parts})")
                self._diverged.add(key)
                self.release(key)
        for key, crash in self._stack.crashes().items():
            if key not in self._crashed:
                logger.warning(f"{self._runs[key].name} has crashed: {crash.error}")
                self._crashed[key] = crash

    def has_diverged(self, key: int) -> bool:
        """Return whether a lane's loss or score was not finite after some epoch."""
        return key in self._diverged

    def validation_scores(self, key: int) -> tuple[float, ...]:
        """Return the validation score after every epoch of a lane; none where all examples are trained on."""
        return self._curves[key].select_accuracy

    def test_scores(self, key: int) -> TestScores | None:
        """Return what a lane scores on the test set.

        None for a lane that has crashed, or diverged, as one does whose loss or score is not finite on the test set.
        """
        if self._has_failed(key):
            return None
        scores = self._stack.evaluate(key, "test")
        if not scores.finite:
            name = self._runs[key].name
            logger.warning(f"{name} has diverged on the test set (NaN or infinite: loss or score)")
            self._diverged.add(key)
            return None
        return scores

    def store(self, study: Study, key: int, *, value: float | None, attributes: Mapping[str, Any]) -> None:
        """Add a lane to a study as a complete trial.

        Args:
            study: the confirmation or the audit.
            key: the lane.
            value: its score; the experiment's worst value is stored in its place if it has diverged or crashed.
            attributes: what its record says besides `opening` and `closing`.
        """
        run, curve, crash = self._runs[key], self._curves[key], self._crashed.get(key)
        reason: StopReason = "crashed" if crash else "diverged" if self.has_diverged(key) else "finished"
        study.add_trial(
            create_trial(
                state=TrialState.COMPLETE,
                value=value if reason == "finished" else self._experiment.worst_value,
                params=run.sampled.params if run.sampled else {},
                distributions=run.sampled.distributions if run.sampled else {},
                user_attrs={
                    "worker": worker_name(),
                    **opening(self._experiment, run.schedule, run.seeds),
                    **closing(curve, self._seconds[key], reason),
                    **(crashed(crash) if crash else {}),
                    **attributes,
                },
                intermediate_values=dict(enumerate(curve.select_accuracy, start=1)),
            )
        )
