"""What `soak.py` counts, and the invariants that it holds every finished round against."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from lrsearch.config import StudyConfig
from lrsearch.experiment.experiment import Seeds
from lrsearch.experiment.workload_experiment import WorkloadExperiment
from lrsearch.records import LearningCurve
from lrsearch.training.train import train_lane
from lrsearch.trials.checkpoints import checkpoint_folder


@dataclass
class Tally:
    """What happened in all rounds, and what was found wrong."""

    kills: Counter[str] = field(default_factory=Counter)
    pauses: int = 0
    restarts: int = 0
    rounds: int = 0
    trials: int = 0
    taken_up: int = 0
    resumed: int = 0
    resumed_epochs: int = 0
    failures: list[str] = field(default_factory=list)

    def check(self, holds: bool, what: str) -> None:
        """Note an invariant that does not hold."""
        if not holds:
            self.failures.append(f"round {self.rounds}: {what}")

    def disturbances(self) -> str:
        """Return what was done to the processes and the server so far."""
        kills = ", ".join(f"{count} of {name}" for name, count in sorted(self.kills.items()))
        done = f"{self.kills.total()} kills ({kills}), {self.pauses} pauses"
        return f"{done}, {self.restarts} restarts of the server" if self.restarts else done


class Reference:
    """What every trial gives when it is trained alone, from start to end, without checkpoints."""

    def __init__(self, config: StudyConfig) -> None:
        self._experiment = WorkloadExperiment.prepare(config, device="cpu")
        self._seeds = Seeds.of(config.seed, "search", 0)
        self._curves: dict[str, LearningCurve] = {}

    def curve(self, params: dict[str, Any]) -> LearningCurve:
        """Return the whole curve of these parameters."""
        key = repr(sorted(params.items()))
        if key not in self._curves:
            lane = self._experiment.lane(self._experiment.schedule(params), self._seeds, params)
            stack = self._experiment.stack(self._seeds)
            self._curves[key] = train_lane(stack, lane, epochs=self._experiment.epochs)
        return self._curves[key]


def check(
    tally: Tally, stored: list[FrozenTrial], reference: Reference, *, trials: int, storage: str, exit_code: int
) -> None:
    """Hold the stored trials of a finished round against the invariants.

    Args:
        tally: where failures are noted.
        stored: every trial of the round.
        reference: what each gives alone.
        trials: how many were asked for.
        storage: the database's address.
        exit_code: of the last, undisturbed run.
    """
    finished = [trial for trial in stored if trial.state in (TrialState.COMPLETE, TrialState.PRUNED)]
    states = Counter(trial.state.name for trial in stored)
    tally.check(exit_code == 0, f"the undisturbed run ended with {exit_code}")
    tally.check(len(finished) == trials, f"{len(finished)} finished trials, not {trials}")
    tally.check([t.number for t in stored] == list(range(len(stored))), "numbers are missing or doubled")
    tally.check(states["RUNNING"] == 0, f"{states['RUNNING']} trials are running for ever")
    waiting = [trial.number for trial in stored if trial.state == TrialState.WAITING]
    origins = [(t.number, t.user_attrs.get("retry_of"), t.state.name) for t in stored]
    tally.check(not waiting, f"trials {waiting} are never resumed, of {origins}")
    tally.check(len({repr(sorted(t.params.items())) for t in finished}) == len(finished), "parameters ran twice")
    tally.check(not list(checkpoint_folder(storage).glob("*")), "checkpoints of ended trials are left")
    for trial in finished:
        # PostgreSQL returns them in no order.
        reports, curve = (
            dict(sorted(trial.intermediate_values.items())),
            LearningCurve.from_json(trial.user_attrs["curve"]),
        )
        whole = reference.curve(trial.params)
        tally.check(list(reports) == list(range(1, len(reports) + 1)), f"trial {trial.number} has gaps: {reports}")
        tally.check(curve.select_accuracy == tuple(reports.values()), f"trial {trial.number}: curve and reports differ")
        same = all(mine == theirs[: len(mine)] for mine, theirs in zip(curve.parts.values(), whole.parts.values()))  # noqa: B905
        tally.check(same, f"trial {trial.number} is not what it is alone")
        tally.taken_up += "retry_of" in trial.user_attrs
        tally.resumed += "resumed_after_epochs" in trial.user_attrs
        tally.resumed_epochs += trial.user_attrs.get("resumed_after_epochs", 0)
    tally.trials += len(finished)
