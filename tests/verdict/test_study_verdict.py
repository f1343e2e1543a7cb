"""From a stored confirmation to its verdict: the plan is kept, what lies beyond is named, claims are tested."""

import json
from dataclasses import replace

import numpy as np
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.trial import TrialState, create_trial

from lrsearch.comparison.from_records import ConfirmationPlan
from lrsearch.comparison.settings import Settings
from lrsearch.config import StudyConfig, shipped_study
from lrsearch.confirmation.confirm import run_confirm
from lrsearch.errors import InputError
from lrsearch.experiment.options import RunOptions
from lrsearch.storage import StudyPart, create_study, open_storage, records, require_same_plan, studies_by_budget
from lrsearch.verdict.claims import judge_claims
from lrsearch.verdict.epoch_budgets import agreements, verdicts_by_budget
from lrsearch.verdict.good_regions import good_regions
from tests.confirmation_examples import EPOCHS, comparison_of, config_of, noisy, stored, verdict_of
from tests.search.run_helpers import make_config, search

SCORES = {"constant": noisy(89.0, 10), "cosine": noisy(91.0, 10)}


def test_the_verdict_is_that_of_the_plan(storage) -> None:
    """ROPE, error rate, metric and claim come from the study; searches decide what is claimed."""
    config = config_of(plan={"rope": 0.7, "alpha": 0.01})
    found = comparison_of(stored(storage, config, SCORES))
    assert (0.7, 0.01, 10, "accuracy") == (
        found.settings.rope,
        found.settings.alpha,
        found.blocks,
        found.settings.metric,
    )
    assert "these configurations, measured by accuracy on this workload" in found.verdict_text
    several = stored(storage, config, SCORES, name="many/confirm", searches=10, trials_per_family=5)
    assert "these families, tuned with 5 trials by tpe" in comparison_of(several).verdict_text


def test_a_family_left_out_is_named_in_the_verdict(storage) -> None:
    """Of whom no trial was finished, nothing can be said, and the verdict says so."""
    verdict = verdict_of(stored(storage, config_of(), SCORES, left_out=["linear"]))
    assert ("linear",) == verdict.left_out
    assert "(without linear, of which no trial was finished)" in verdict.comparison.verdict_text


def test_blocks_beyond_the_plan_are_exploratory(storage) -> None:
    """The verdict is that of the planned blocks, and one with all blocks stands beside it under another title."""
    more = {name: own + noisy(95.0, 4) for name, own in SCORES.items()}
    planned = verdict_of(stored(storage, config_of(), SCORES)).comparison
    beyond = verdict_of(stored(storage, config_of(), more, name="more/confirm", planned_blocks=10))
    assert planned.verdict_text == beyond.comparison.verdict_text
    np.testing.assert_array_equal(planned.scores, beyond.comparison.scores)
    assert beyond.exploratory is not None
    assert 14 == beyond.exploratory.blocks


def test_exploratory_readings_are_labelled_by_compare(database, run) -> None:
    """The command prints the label; without such blocks it does not."""
    stored(database, config_of(), SCORES, planned_blocks=8)
    assert "Exploratory, with blocks beyond the plan" in run("compare").out
    other = open_storage("sqlite:///other.db")
    stored(other, config_of(), SCORES)
    assert "xploratory" not in run("compare", "--storage", "sqlite:///other.db").out


def test_a_look_before_the_planned_one_is_warned_of(storage) -> None:
    """Seven of twenty blocks are an interim result."""
    found = comparison_of(stored(storage, config_of(), SCORES, planned_blocks=20))
    assert any("interim: 10 of the 20 planned blocks" in warning for warning in found.warnings)
    assert not any(
        "interim" in w for w in comparison_of(stored(storage, config_of(), SCORES, name="b/confirm")).warnings
    )


def test_a_control_that_fails_is_a_warning(storage) -> None:
    """A twin that is separated means that the procedure is not to be trusted; it is never recommended."""
    scores = {**SCORES, "cosine (A/A)": noisy(95.0, 10)}
    controls = {"cosine (A/A)": {"kind": "aa", "of": "cosine"}}
    study = stored(storage, config_of(), scores, controls=controls, twins=["cosine (A/A)"])
    found = comparison_of(study)
    assert ("cosine",) == found.recommended
    assert "Controls: cosine (A/A): SEPARATED in error" in found.verdict_text
    assert any("not to be trusted: cosine (A/A)" in warning for warning in found.warnings)


@pytest.mark.parametrize(
    ("plan", "difference"),
    [
        ({"rope": 0.5}, "plan.rope is 0.3, not 0.5"),
        ({"alpha": 0.1}, "plan.alpha is 0.05, not 0.1"),
        ({"contrasts": {"against": "cosine"}}, "plan.contrasts is 'all', not {'against': 'cosine'"),
        ({"claims": "article"}, "plan.claims is [], not [{'"),
    ],
)
def test_another_plan_is_refused_with_the_difference(storage, plan, difference) -> None:
    """What was searched under one plan is not judged by another; other numbers of blocks are no other plan."""
    study = create_study(storage, "tab", config_of(), direction="maximize", data_fingerprint="f", attributes={})
    with pytest.raises(InputError) as caught:
        require_same_plan(StudyPart.of(study), config_of(plan=plan))
    assert difference in str(caught.value)
    require_same_plan(StudyPart.of(study), config_of(plan={"blocks": 50}))
    stored(storage, config_of(plan=plan), SCORES)
    with pytest.raises(InputError, match="planned otherwise"):
        verdict_of(study)


def test_everything_is_strict_json(database, run) -> None:
    """The command's JSON has the comparison and what stands beside it, and no NaN."""
    scores = {**SCORES, "cosine (A/A)": [10.0 - 5] * 10}
    stored(
        database, config_of(), scores, controls={"cosine (A/A)": {"kind": "aa", "of": "cosine"}}, twins=["cosine (A/A)"]
    )
    text = run("compare", "--format", "json").out
    found = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert {"verdict_text", "controls", "claims", "exploratory", "left_out", "good_regions"} <= found.keys()
    assert found["controls"][0]["low"] is None


# The article's claims

NAMES = {
    "no schedule at 0.1": ("constant", 0.1),
    "no schedule": ("constant", 0.3),
    "square root": ("square_root", 0.1),
    "square root at 0.3": ("square_root", 0.3),
    "multi-step": ("multistep", 0.3),
    "cosine": ("cosine", 0.3),
}


def _article(without_effect: int | None = None, *, epochs: int = 30, blocks: int = 8, **changes):
    """Return scores and losses of the six schedules: with the article's effects, or all alike by some seed."""
    rng = np.random.default_rng([epochs, 0 if without_effect is None else 1 + without_effect])
    x = np.linspace(0, 1, epochs)
    means = dict.fromkeys(NAMES, 89.0)
    rise, jitter = dict.fromkeys(NAMES, 0.0), dict.fromkeys(NAMES, 0.02)
    if without_effect is None:
        means |= {"square root": 90.0, "square root at 0.3": 90.5, "cosine": 91.0}
        rise |= {"multi-step": 0.2, "no schedule": 0.1, "cosine": -0.05}
        jitter["square root"] = 0.002
    scores = {name: rng.normal(mean, 0.2, blocks).tolist() for name, mean in means.items()}
    losses = {name: 0.4 + rise[name] * x + rng.normal(0, jitter[name], (blocks, epochs)) for name in NAMES}
    return {"scores": scores | changes, "losses": losses}


def _article_config(epochs: int = 30) -> StudyConfig:
    return config_of(plan={"claims": "article"}, training={"epochs": epochs}, search={"families": ["constant"]})


def _verdict(storage, given, epochs: int = 30, **attributes):
    study = stored(storage, _article_config(epochs), given["scores"], losses=given["losses"], searches=0, **attributes)
    return verdict_of(study)


def test_the_shipped_article_asks_for_its_claims() -> None:
    """Its baselines have the names that the claims look for, in a plan of 20 blocks of 30 epochs."""
    config = StudyConfig.load(shipped_study("article"))
    assert (9, 20, 30) == (len(config.plan.claims), config.plan.blocks, config.training.epochs)
    assert {30} == {claim.epochs for claim in config.plan.claims}
    assert set(NAMES) == {baseline.name for baseline in config.baseline}
    assert set(NAMES) == {name for claim in config.plan.claims for name in claim.weights}
    rates = {baseline.name: (baseline.family, baseline.base_lr) for baseline in config.baseline}
    for name, schedule in NAMES.items():
        assert schedule == rates[name]


def test_claims_that_are_true_are_shown(database, run) -> None:
    """With the article's effects put in, all nine are shown, each with estimate, interval and p in one sentence."""
    verdict = _verdict(database, _article())
    assert [True] * 9 == [claim.holds for claim in verdict.claims]
    assert "" == verdict.claims_note
    first = verdict.claims[0]
    assert 1.0 == pytest.approx(first.contrast.estimate, abs=0.4)
    assert first.sentence.startswith("square root is better than none, as printed: shown (+")
    assert "points, 95 % interval" in first.sentence
    assert "(log ratio)" in verdict.claims[2].sentence
    assert "test loss" in verdict.claims[3].sentence
    assert 9 == run("compare").out.count("Holm p")


def test_the_contrary_of_a_claim_is_called_so(storage) -> None:
    """Where the square root is clearly worse, "not shown" would be too little; the level is that of the plan."""
    first = _verdict(storage, _article(**{"square root": noisy(80.0, 8)})).claims[0]
    assert "CONTRARY is shown (-9" in first.sentence or "CONTRARY is shown (-8" in first.sentence
    assert "95 % interval" in first.sentence
    assert not first.holds


def test_claims_without_any_effect_are_not_shown(storage) -> None:
    """Where all schedules are alike only what is claimed to be absent is shown, but for one time in twenty."""
    wrong = 0
    for seed in range(8):
        claims = _verdict(storage, _article(seed), name=f"{seed}/confirm").claims
        wrong += any(c.holds for c in claims if c.claim.text != "cosine does not over-fit")
    assert wrong <= 1


def test_claims_at_other_lengths_say_so_or_are_refused(storage) -> None:
    """Twelve epochs scale the windows and say so; eight have no room for them."""
    at_12 = _verdict(storage, _article(epochs=12), epochs=12)
    assert 9 == len(at_12.claims)
    assert "12 epochs, the claims' 30" in at_12.claims_note
    at_8 = _verdict(storage, _article(epochs=8), epochs=8, name="short/confirm")
    assert () == at_8.claims
    assert "not tested: " in at_8.claims_note
    assert "10 epochs" in at_8.claims_note or "9 epochs" in at_8.claims_note


def test_claims_that_cannot_be_tested_say_why(storage) -> None:
    """A lacking schedule, a failed run, or no curve of the test set: the reason stands where the claims would."""
    lacking = _article()
    del lacking["scores"]["multi-step"]
    assert "lacks multi-step" in _verdict(storage, lacking, name="a/confirm").claims_note
    failed = _article(cosine=[10.0, *noisy(91.0, 7)])
    assert "1 of 8 runs of cosine failed" in _verdict(storage, failed, name="b/confirm").claims_note
    without = verdict_of(stored(storage, _article_config(), _article()["scores"], name="c/confirm"))
    assert "test set's curve" in without.claims_note
    with pytest.raises(InputError, match="at least 6 whole blocks, got 5"):
        judge_claims(
            records(stored(storage, _article_config(), _article(blocks=5)["scores"], name="e/confirm")),
            _article_config().plan.claims,
            ConfirmationPlan(Settings(rope=0.3)),
        )
    silent = verdict_of(stored(storage, config_of(), _article()["scores"], name="d/confirm"))
    assert ("", ()) == (silent.claims_note, silent.claims)


# Robustness


def _random_search(storage, name="tab", sampler="random", pruner="none"):
    config = config_of(search={"families": ["constant", "cosine"], "sampler": sampler, "pruner": pruner})
    study = create_study(storage, name, config, direction="maximize", data_fingerprint="f", attributes={})
    values = {"constant": [0.9, 0.898, 0.88, 0.5], "cosine": [0.91, 0.9, 0.8]}
    for family, own in values.items():
        for value in own:
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
    found = good_regions([StudyPart.of(_random_search(storage))])
    assert {"constant": (2, 4), "cosine": (1, 3)} == {n: (s.count, s.total) for n, s in found.shares.items()}
    assert found.shares["cosine"].low < 1 / 3 < found.shares["cosine"].high
    for index, given in enumerate([{"sampler": "tpe"}, {"pruner": "rungs"}]):
        unknown = good_regions([StudyPart.of(_random_search(storage, name=f"n{index}", **given))])
        assert {} == unknown.shares
        assert "--sampler random --pruner none" in unknown.why_not
    assert "nothing was searched" == good_regions([]).why_not


def test_compare_shows_the_good_region(database, run) -> None:
    """A column of the table, where the search was random and unpruned."""
    config = _random_search(database).user_attrs["study_file"]
    stored(database, StudyConfig.from_dict(config), SCORES)
    shown = run("compare").out
    assert "good region" in shown
    assert "2 of 4, 7 to 93 %" in shown


def _at(epochs: int, **tables) -> StudyConfig:
    return config_of(name=f"tab/epochs-{epochs}", training={"epochs": epochs}, **tables)


def test_budgets_have_a_verdict_each_and_their_agreement(database, run) -> None:
    """The name that a user types stands for all budgets; what is separated alike, or the other way, is counted."""
    turned = {"constant": noisy(91.0, 10), "cosine": noisy(89.0, 10)}
    for epochs, scores in ((4, turned), (EPOCHS, SCORES), (30, SCORES)):
        stored(database, _at(epochs), scores, name=f"tab/epochs-{epochs}/confirm")
    studies = studies_by_budget(database, None)
    assert [4, EPOCHS, 30] == list(studies) == list(studies_by_budget(database, "tab"))
    found = {a.epochs: a.found for a in agreements(verdicts_by_budget(studies))}
    assert (0, 1) == (found[4, EPOCHS].same, found[4, EPOCHS].opposite)
    assert (1, 0) == (found[EPOCHS, 30].same, found[EPOCHS, 30].opposite)
    shown = run("compare", "--study-name", "tab").out
    assert "12 against 30 epochs: the means' rank correlation (Kendall's tau) is 1.00" in shown
    both = json.loads(run("compare", "--format", "json").out)
    assert {"4", "12", "30"} == both["budgets"].keys()
    assert 3 == len(both["agreement"])
    assert [30] == list(studies_by_budget(database, "tab/epochs-30"))


def test_budgets_that_differ_in_more_than_epochs_are_refused(storage) -> None:
    """Another plan, other families or other data: the difference is named."""
    stored(storage, _at(4), SCORES, name="tab/epochs-4/confirm")
    stored(storage, _at(8, plan={"rope": 0.9}), SCORES, name="tab/epochs-8/confirm")
    with pytest.raises(InputError, match=r"plan.rope is 0.9, not 0.3"):
        verdicts_by_budget(studies_by_budget(storage, "tab"))
    stored(storage, _at(4), SCORES, name="b/epochs-4/confirm")
    stored(storage, _at(8, seed=5), SCORES, name="b/epochs-8/confirm")
    with pytest.raises(InputError, match=r"more than their epochs: seed is 5, not 0"):
        verdicts_by_budget(studies_by_budget(storage, "b"))


def test_budgets_of_other_families_have_no_agreement(storage) -> None:
    """Each keeps its verdict, and the reason stands in place of the agreement."""
    stored(storage, _at(4), SCORES, name="tab/epochs-4/confirm")
    stored(storage, _at(8), {**SCORES, "linear": noisy(90.0, 10)}, name="tab/epochs-8/confirm")
    (found,) = agreements(verdicts_by_budget(studies_by_budget(storage, "tab")))
    assert found.found is None
    assert "4 against 8 epochs: not comparable" in found.sentence


def test_confirm_keeps_the_plan_of_its_search_and_of_its_own_blocks(folder) -> None:
    """A plan that was changed after the search, or between two parts of a confirmation, is refused before training."""
    config = make_config(baseline=[{"name": "plain", "family": "constant", "base_lr": 0.1}])
    changed = config.changed({"plan.rope": 0.9})
    options = RunOptions(device="cpu", workers=1)
    run_confirm(config, options, blocks=1)
    with pytest.raises(InputError, match=r"'tab/confirm' was planned otherwise: its plan.rope is 0.3, not 0.9"):
        run_confirm(changed, options, blocks=2)
    elsewhere = replace(options, storage="sqlite:///other.db")
    search(config, 3, database="other.db")
    with pytest.raises(InputError, match=r"'tab' was planned otherwise"):
        run_confirm(changed, elsewhere, blocks=1)
    assert ["tab"] == [study.study_name for study in open_storage(elsewhere.storage).get_all_studies()]
