"""Searches made by hand, whose winners are known because they were put in."""

from collections.abc import Sequence

from optuna import create_study
from optuna.study import Study
from optuna.trial import TrialState, create_trial

from lrsearch.experiment.workload_experiment import WorkloadExperiment
from tests.search.run_helpers import make_config

DONE, CUT, LOST = TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL

GivenTrial = tuple[str, TrialState, float | None, float]
"""Family, state, value, base rate."""

TRIALS: Sequence[GivenTrial] = (
    ("constant", DONE, 0.5, 0.01),
    ("cosine", DONE, 0.7, 0.02),
    ("constant", CUT, 0.99, 0.03),
    ("constant", DONE, 0.6, 0.04),
    ("cosine", LOST, None, 0.05),
    ("constant", DONE, 0.6, 0.06),
)
"""No trial of linear, and two of constant that are equally good."""


def experiment_of(**changes: object) -> WorkloadExperiment:
    """Return the experiment of the short study with three families."""
    return WorkloadExperiment.prepare(
        make_config(search__families=("constant", "cosine", "linear"), **changes), device="cpu"
    )


def search_of(experiment: WorkloadExperiment, trials: Sequence[GivenTrial] = TRIALS) -> Study:
    """Return a search that holds these trials by number; their other parameters are the lowest of their ranges."""
    study = create_study(direction=experiment.workload.direction)
    for family, state, value, base_lr in trials:
        ranges = experiment.space.distributions(family)
        lowest = {name: getattr(family_range, "low", None) for name, family_range in ranges.items()}
        study.add_trial(
            create_trial(
                state=state,
                value=value,
                params={"family": family, **lowest, "base_lr": base_lr},
                distributions={"family": experiment.space.family_distribution, **ranges},
            )
        )
    return study
