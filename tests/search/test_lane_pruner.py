"""The pruner of trials side by side decides as one that reads every report from the study."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.trial import TrialState

from lrsearch.names import PrunerKind
from lrsearch.search.lane_pruner import LanePruner
from lrsearch.search.pruning import FamilyPruner, make_rule
from lrsearch.trials.history import History

EPOCHS = 6
SPACE = {"family": CategoricalDistribution(("linear", "rex")), "x": FloatDistribution(0, 1)}


def _log(trial: optuna.Trial) -> Any:
    """Return what the pruner reads of a trial of this process."""
    reported: list[float] = []
    return SimpleNamespace(
        trial=trial, family=trial.params["family"], reported=reported, epochs=0, value=0.0, lost=False
    )


def test_a_trial_that_has_not_reported_yet_is_not_judged() -> None:
    """It has no value, as a run that has just begun beside others."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    trial = study.ask(SPACE)
    begun = SimpleNamespace(trial=trial, family=trial.params["family"], reported=[], epochs=0, lost=False)
    pruner = LanePruner(make_rule("median", EPOCHS), "maximize", History(study))
    assert set() == pruner.pruned({trial.number: begun}, [])  # type: ignore[dict-item]


@pytest.mark.parametrize("kind", ["rungs", "median"])
def test_reports_in_memory_and_in_the_study_give_the_same_verdicts(kind: PrunerKind) -> None:
    """Three lanes here and three trials of another process: every verdict is that of the plain Optuna pruner."""
    rng, rule = np.random.default_rng(2), make_rule(kind, EPOCHS)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0))
    pruner, plain = LanePruner(rule, "maximize", History(study)), FamilyPruner(rule)
    pruned_in_all = 0
    for _ in range(8):
        running = {trial.number: _log(trial) for trial in (study.ask(SPACE) for _ in range(3))}
        others = [study.ask(SPACE) for _ in range(3)]
        for epoch in range(1, EPOCHS + 1):
            for trial in others:
                trial.report(float(rng.random()), epoch)
            for log in running.values():
                log.value, log.epochs = float(rng.random()), epoch
                log.reported.append(log.value)
            pruned = pruner.pruned(running, running)
            for log in running.values():  # the study learns it only now
                log.trial.report(log.value, epoch)
            trials = study.get_trials(deepcopy=False)
            assert {number for number in running if plain.prune(study, trials[number])} == pruned
            pruned_in_all += len(pruned)
            for number in pruned:
                log = running.pop(number)
                pruner.ended(log)
                study.tell(number, state=TrialState.PRUNED)
        for trial in (*others, *(log.trial for log in running.values())):
            study.tell(trial, 0.0)
    assert pruned_in_all > 3
