"""Studies and surfaces that the search tests share."""

import math
from collections.abc import Sequence
from typing import Any

import optuna
from optuna.distributions import FloatDistribution
from optuna.study import Study
from optuna.trial import Trial, TrialState

from lrsearch.experiment.space import Space
from lrsearch.names import SamplerKind
from lrsearch.search.sampling import FamilySampler
from lrsearch.storage import open_storage

optuna.logging.set_verbosity(optuna.logging.WARNING)

THREE = ("constant", "cosine", "one_cycle")


def make_space(families: Sequence[str] = THREE, **changes: Any) -> Space:
    """Return the published space of `families` for a run of 1,000 steps in 10 epochs."""
    return Space.build(families, **{"total_steps": 1000, "steps_per_epoch": 100, "epochs": 10, **changes})


def plain_space(dimensions: int = 3, families: Sequence[str] = ("a", "b")) -> Space:
    """Return a space of made-up families whose parameters x0, x1, ... all lie in 0 .. 1."""
    named = {f"x{i}": FloatDistribution(0.0, 1.0) for i in range(dimensions)}
    return Space(1000, 100, dict.fromkeys(families, named))


def make_study(space: Space, *, kind: SamplerKind = "tpe", seed: int = 0, storage: Any = None) -> Study:
    """Return a study to be maximised by a FamilySampler."""
    return optuna.create_study(
        storage=storage,
        study_name="study",
        sampler=FamilySampler(space, kind=kind, seed=seed),
        direction="maximize",
        load_if_exists=True,
    )


def accuracy(params: dict[str, Any]) -> float:
    """Return a smooth surface with its top at a base rate of 0.15."""
    return 0.9 - 0.03 * math.log(params["base_lr"] / 0.15) ** 2


def run(study: Study, space: Space, trials: int) -> list[dict[str, Any]]:
    """Ask and tell `trials` trials, about every fifth pruned, and return their parameters."""
    asked = []
    for _ in range(trials):
        trial = study.ask()
        asked.append(space.suggest(trial))
        finish(study, trial)
    return asked


def finish(study: Study, trial: Trial) -> None:
    """Tell a trial's value, or prune it; which of the two depends on its parameters alone."""
    value = accuracy(trial.params)
    if int(1e6 * value) % 5 == 0:
        trial.report(value, 3)
        study.tell(trial, state=TrialState.PRUNED)
    else:
        study.tell(trial, value)


def families_of(study: optuna.Study) -> list[str]:
    """Return the families of the trials that have not failed, by number."""
    return [t.params["family"] for t in study.get_trials(deepcopy=False) if t.state != TrialState.FAIL]


def fail(study: Study, trial: Trial) -> None:
    """Tell that a trial has failed."""
    study.tell(trial, state=TrialState.FAIL)


def work(url: str, space: Space, trials: int) -> None:
    """Be one of several processes that search a stored study at the same time, two running trials each."""
    study = make_study(space, storage=open_storage(url))
    running: list[Trial] = []
    for _ in range(trials):
        running.append(study.ask())
        space.suggest(running[-1])
        if len(running) == 2:
            finish(study, running.pop(0))
    for trial in running:
        finish(study, trial)
