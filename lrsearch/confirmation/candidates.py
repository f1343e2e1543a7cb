"""What a confirmation compares: the winners of a search, and the fixed schedules of a study file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from lrsearch.experiment.experiment import Experiment
from lrsearch.trials.history import FINISHED


@dataclass(frozen=True)
class Candidate:
    """One configuration that is confirmed, under the name by which it is compared.

    Attributes:
        name: a family, or a fixed schedule of the study file.
        schedule: its schedule's parameters, as `schedule_from_params` takes them.
        settings: the values of what was searched beside the schedule, empty if nothing was.
        control: "aa" or "positive" if its truth is known, else empty.
        control_of: the candidate that the control stands beside.
        tuning_budget: after how many of its family's trials this was the best, if before the search's end, else 0.
        sampled: the trial of the search that it repeats; None for a fixed schedule.
    """

    name: str
    schedule: dict[str, Any]
    settings: dict[str, Any] = field(default_factory=dict)
    control: str = ""
    control_of: str = ""
    tuning_budget: int = 0
    sampled: FrozenTrial | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the candidate as plain data."""
        return {"name": self.name, "schedule": self.schedule, "settings": self.settings}


def fixed_schedules(experiment: Experiment) -> tuple[Candidate, ...]:
    """Return the study file's `[[baseline]]` schedules as candidates.

    Raises:
        InputError: if a baseline's numbers do not fit into the run.
    """
    candidates = []
    for baseline in experiment.config.baseline:
        made = experiment.fixed_schedules[baseline.name]
        candidates.append(Candidate(baseline.name, made.params(), baseline.settings(experiment.config.searched)))
    return tuple(candidates)


def winners(experiment: Experiment, search: Study, top: int = 1) -> tuple[list[Candidate], list[str]]:
    """Return the best complete trials of each family as candidates, and the families that have none.

    Args:
        experiment: of the study.
        search: one replicate.
        top: how many configurations of a family; the second is named "cosine #2".
    """
    candidates, empty = [], []
    for family in experiment.config.search.families:
        best = best_trials(experiment, finished_trials(search, family))[:top]
        for place, trial in enumerate(best, start=1):
            candidates.append(candidate_of(experiment, trial, family if place == 1 else f"{family} #{place}"))
        if not best:
            empty.append(family)
    return candidates, empty


def strongest(experiment: Experiment, searches: Sequence[Study], families: Sequence[str]) -> str | None:
    """Return the one of `families` whose winners have the best mean over the searches; None where none was searched."""
    sign = -experiment.metric.sign
    means = {}
    for family in families:
        best = [best_trials(experiment, finished_trials(search, family))[:1] for search in searches]
        values = [trial.value for trials in best for trial in trials if trial.value is not None]
        if values and len(values) == len(searches):
            means[family] = sign * fmean(values)
    return min(means, key=means.__getitem__, default=None)


def finished_trials(search: Study, family: str) -> list[FrozenTrial]:
    """Return the complete and pruned trials of a family by number."""
    finished = search.get_trials(deepcopy=False, states=FINISHED)
    return sorted((t for t in finished if t.params.get("family") == family), key=lambda trial: trial.number)


def best_trials(experiment: Experiment, trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """Return the complete ones of a family's trials, the best first.

    A trial that diverged is left out, and one that lacks a parameter of its family, as one added by hand may.
    """
    sign = -experiment.metric.sign
    by_family = experiment.space.by_family
    complete = [
        (sign * trial.value, trial.number, trial)
        for trial in trials
        if trial.state == TrialState.COMPLETE
        and trial.value is not None
        and trial.user_attrs.get("stop_reason") != "diverged"
        and by_family[trial.params["family"]].keys() <= trial.params.keys()
    ]
    return [trial for *_, trial in sorted(complete, key=lambda ranked: ranked[:2])]


def candidate_of(experiment: Experiment, trial: FrozenTrial, name: str, *, tuning_budget: int = 0) -> Candidate:
    """Return the configuration of a trial as a candidate."""
    settings = {setting: trial.params[setting] for setting in experiment.config.searched}
    schedule = experiment.schedule(trial.params).params()
    return Candidate(name, schedule, settings, tuning_budget=tuning_budget, sampled=trial)
