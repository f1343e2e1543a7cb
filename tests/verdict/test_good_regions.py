"""The width of each family's good region, where the search was random and unpruned."""

from __future__ import annotations

from dataclasses import replace

from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.trial import TrialState, create_trial

from lrsearch.config import StudyConfig
from lrsearch.metric import ACCURACY, Metric
from lrsearch.storage import StudyPart, create_study
from lrsearch.verdict.good_regions import good_regions
from tests.confirmation_examples import config_of, noisy, stored

SCORES = {"constant": noisy(89.0, 10), "cosine": noisy(91.0, 10)}


def _random_search(storage, name="tab", sampler="random", pruner="none"):
    config = config_of(search={"families": ["constant", "cosine"], "sampler": sampler, "pruner": pruner})
    study = create_study(storage, name, config, metric=ACCURACY, data_fingerprint="f", attributes={})
    values = {"constant": [0.9, 0.898, 0.88, 0.5], "cosine": [0.91, 0.9, 0.8]}
    for family, family_values in values.items():
        for value in family_values:
            study.add_trial(
                create_trial(
                    state=TrialState.COMPLETE,
                    value=value,
                    params={"family": family, "base_lr": 0.1},
                    distributions={
                        "family": CategoricalDistribution(("constant", "cosine")),
                        "base_lr": FloatDistribution(0.01, 1),
                    },
                )
            )
    return study


def test_the_good_region_is_the_share_of_random_trials_within_the_rope(storage) -> None:
    """Two of four and one of three; with another sampler or a pruner it says why it is not known."""
    regions = good_regions([StudyPart.of(_random_search(storage))])
    assert {"constant": (2, 4), "cosine": (1, 3)} == {n: (s.count, s.total) for n, s in regions.shares.items()}
    assert regions.shares["cosine"].low < 1 / 3 < regions.shares["cosine"].high
    for index, given in enumerate([{"sampler": "tpe"}, {"pruner": "rungs"}]):
        unknown = good_regions([StudyPart.of(_random_search(storage, name=f"n{index}", **given))])
        assert {} == unknown.shares
        assert "--sampler random --pruner none" in unknown.why_not
    assert "nothing was searched" == good_regions([]).why_not
    loss = replace(StudyPart.of(_random_search(storage, name="loss")), metric=Metric("loss", "minimize", "nats"))
    assert "it needs rope in [plan]" in good_regions([loss]).why_not


def test_compare_shows_the_good_region(database, run) -> None:
    """A column of the table, where the search was random and unpruned."""
    config = _random_search(database).user_attrs["study_file"]
    stored(database, StudyConfig.from_dict(config), SCORES)
    shown = run("compare").out
    assert "good region" in shown
    assert "2 of 4, 7 to 93 %" in shown
