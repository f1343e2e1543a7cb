"""Which of a family's parameters mattered among its own trials: descriptive, by PED-ANOVA."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState, create_trial

from lrsearch.storage import family_of, to_record

FEWEST_TRIALS = 10
"""Complete trials of a family below which a share would be noise alone."""


def family_importances(studies: Sequence[Study]) -> dict[str, dict[str, float]]:
    """Return {family: {parameter: share}} for every family with enough complete trials; the shares sum to 1.

    Source: PED-ANOVA, Watanabe, Bansal and Hutter (2023), as Optuna has it.
    """
    by_family: dict[str, list[FrozenTrial]] = {}
    for study in studies:
        for trial in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
            if "family" in trial.params and to_record(trial).value is not None:
                by_family.setdefault(family_of(trial), []).append(trial)
    return {
        family: _importances(trials, studies[0]) for family, trials in by_family.items() if len(trials) >= FEWEST_TRIALS
    }


def _importances(trials: Sequence[FrozenTrial], study: Study) -> dict[str, float]:
    family_study = optuna.create_study(direction=study.direction)
    for trial in trials:
        family_study.add_trial(
            create_trial(
                value=trial.value,
                params={name: value for name, value in trial.params.items() if name != "family"},
                distributions={name: d for name, d in trial.distributions.items() if name != "family"},
            )
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        return get_param_importances(family_study, evaluator=PedAnovaImportanceEvaluator())
