"""What a trial leaves in the storage, written in one way by the search and by `Objective`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from optuna.exceptions import UpdateFinishedTrialError
from optuna.study import Study
from optuna.trial import Trial, TrialState

from lrsearch.experiment.experiment import Experiment, Seeds
from lrsearch.records import LearningCurve
from lrsearch.storage import as_last_read, end_trial, set_attributes, written_at_once
from lrsearch.training.lane import AnyLane, Checkpoint, Crash, EpochMetrics
from lrsearch.trials.history import origin_of
from lrsearch.trials.record import StopReason, closing, crashed, opening

logger = logging.getLogger(__name__)


@dataclass(eq=False)
class TrialLog:
    """One running trial: what it trains, and the record that grows with every epoch.

    `lost` says that another process has taken the trial, because this one was paused and seemed dead.
    """

    experiment: Experiment
    trial: Trial
    params: Mapping[str, Any]
    lane: AnyLane
    curve: LearningCurve = field(default_factory=LearningCurve)
    reported: list[float] = field(default_factory=list)
    seconds: float = 0.0
    lost: bool = False

    @classmethod
    def begin(cls, experiment: Experiment, trial: Trial, seeds: Seeds) -> TrialLog:
        """Suggest the trial's parameters and write down what it is."""
        with written_at_once(trial) as attributes, as_last_read(trial.study):  # it was read when it was asked for
            params = experiment.space.suggest(trial)
            schedule = experiment.schedule(params)
            attributes |= opening(experiment, schedule.params(), seeds)
        return cls(experiment, trial, params, experiment.lane(schedule, seeds, params))

    @property
    def family(self) -> str:
        """The trial's schedule family."""
        return str(self.params["family"])

    @property
    def epochs(self) -> int:
        """How many epochs the trial has had."""
        return len(self.reported)

    @property
    def last_report(self) -> str:
        """In words how far the trial is, such as "cosine 3/10 0.412"."""
        score = f" {self.value:.4g}" if self.reported else ""
        return f"{self.family} {self.epochs}/{self.experiment.epochs}{score}"

    @property
    def origin(self) -> int:
        """The number under which the trial's parameters first ran."""
        return origin_of(self.trial)

    @property
    def value(self) -> float:
        """The objective: the validation score at the last epoch so far; the worst value if it diverged."""
        return self.reported[-1]

    def record(self, metrics: EpochMetrics, seconds: float) -> None:
        """Record one epoch, of which this trial's share is `seconds`; writes nothing to the storage."""
        self.curve = self.curve.extended(metrics.train_loss, metrics.loss, metrics.score, metrics.more)
        self.seconds += seconds
        self.reported.append(self.experiment.worst_value if metrics.diverged else metrics.score["select"])
        if metrics.diverged and not any(name.endswith("loss") for name in metrics.not_finite):
            logger.warning(
                f"trial {self.trial.number}, epoch {metrics.epoch}: {self.experiment.metric.name} is NaN or infinite "
                f"({', '.join(metrics.not_finite)}) although the loss is finite; the trial counts as diverged"
            )

    def resume(self, saved: Checkpoint, curve: LearningCurve) -> None:
        """Take over the epochs that the trial has had in a process that died, and report them again."""
        self.curve, self.reported, self.seconds = curve, list(curve.select_accuracy), saved.seconds
        self.trial.set_user_attr("resumed_after_epochs", saved.epoch)
        for epoch, value in enumerate(self.reported, start=1):
            self.trial.report(value, epoch)

    def checkpoint(self, state: Checkpoint) -> tuple[Checkpoint, LearningCurve] | None:
        """Return what it takes to `resume`; None if the lane is an epoch ahead, as after an interruption."""
        if state.epoch != len(self.reported):
            return None
        return replace(state, seconds=self.seconds), self.curve

    def write(self, function: Callable[..., object], *arguments: Any) -> None:
        """Call what writes to this trial in the storage; where the trial has been taken from this process, note it."""
        try:
            function(*arguments)
        except UpdateFinishedTrialError:
            if not self.lost:
                number = self.trial.number
                logger.warning(
                    f"trial {number} was taken by another process while this one was paused; going on without it"
                )
            self.lost = True

    def end(self, stop_reason: StopReason) -> None:
        """Write down how the trial ended and tell Optuna.

        Args:
            stop_reason: "finished", "pruned", or "diverged", whose value is the experiment's worst.

        Raises:
            UpdateFinishedTrialError: if another process has failed the trial.
        """
        state = TrialState.PRUNED if stop_reason == "pruned" else TrialState.COMPLETE
        end_trial(self.trial, state, self.value, closing(self.curve, self.seconds, stop_reason))

    def crash(self, study: Study, crash: Crash) -> None:
        """Write down that the trial has failed for good, and why.

        Raises:
            UpdateFinishedTrialError: if another process has failed the trial.
        """
        set_attributes(self.trial, {**closing(self.curve, self.seconds, "crashed"), **crashed(crash)})
        study.tell(self.trial, state=TrialState.FAIL)

    def finish(self, stop_reason: StopReason) -> float:
        """Write down the curve and how the trial ended, all but its state; return the trial's value."""
        set_attributes(self.trial, closing(self.curve, self.seconds, stop_reason))
        return self.value
