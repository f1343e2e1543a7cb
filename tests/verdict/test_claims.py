"""The claims of a study file, tested as the planned contrasts that they are."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from lrsearch.comparison.from_records import ConfirmationPlan
from lrsearch.comparison.settings import Settings
from lrsearch.config import StudyConfig, built_in_study
from lrsearch.config.plan_tables import ClaimConfig
from lrsearch.errors import InputError
from lrsearch.records import LearningCurve
from lrsearch.storage import records as stored_records
from lrsearch.verdict.claims import judge_claims, measured
from tests.confirmation_examples import config_of, noisy, run_of, stored, verdict_of

ARTICLE = StudyConfig.load(built_in_study("article")).plan.claims
NONE, NONE_LOW, ROOT, ROOT_HIGH = "no schedule", "no schedule at 0.1", "square root", "square root at 0.3"
SCHEDULES = (NONE_LOW, NONE, ROOT, ROOT_HIGH, "multi-step", "cosine")
FINAL = {NONE_LOW: 89.0, NONE: 89.0, ROOT: 90.0, ROOT_HIGH: 90.0, "multi-step": 89.5}
ROUGH = {NONE: 0.05, "multi-step": 0.02}
RISE = {NONE: 0.1, "multi-step": 0.3}
PLAN = ConfirmationPlan(Settings(rope=0.3))


def curves(rng, level, noise, rise=None, *, blocks=20, epochs=30):
    """Return curves schedule -> [blocks, epochs]: a level, a linear rise over the run, and noise per epoch."""
    grow = np.linspace(0.0, 1.0, epochs)
    return {
        name: level.get(name, 91.0)
        + (rise or {}).get(name, 0.0) * grow
        + rng.normal(0.0, noise.get(name, 0.01), (blocks, epochs))
        for name in SCHEDULES
    }


def article_curves(**changes):
    rng = np.random.default_rng(1)
    accuracy = curves(rng, FINAL | changes.get("final", {}), dict.fromkeys(SCHEDULES, 0.1))
    return accuracy, curves(rng, dict.fromkeys(SCHEDULES, 0.3), ROUGH, RISE | changes.get("rise", {}))


def records(accuracy, loss):
    """Return the records of curves schedule -> [blocks, epochs] of accuracies in points and losses."""
    return [
        replace(
            run_of(name, block, accuracy[name][block, -1]),
            curve=LearningCurve(test_accuracy=tuple(accuracy[name][block] / 100), test_loss=tuple(loss[name][block])),
        )
        for name in accuracy
        for block in range(len(accuracy[name]))
    ]


def judged(**changes):
    return {claim.claim.text: claim for claim in judge_claims(records(*article_curves(**changes)), ARTICLE, PLAN)}


def test_the_articles_claims_are_nine_contrasts_of_known_differences():
    """Estimate, interval and p of each are those of a t-test on the differences written out by hand."""
    accuracy, loss = article_curves()
    last = {name: curve[:, -1] for name, curve in accuracy.items()}
    rise = {name: curve[:, 27:30].mean(axis=1) - curve[:, 9:12].mean(axis=1) for name, curve in loss.items()}
    rough = {name: np.diff(curve[:, 20:], axis=1).std(axis=1, ddof=1) for name, curve in loss.items()}
    expected = [
        (last[ROOT] - last[NONE], 0.0, "two-sided"),
        (((last[ROOT] - last[NONE_LOW]) + (last[ROOT_HIGH] - last[NONE])) / 2, 0.0, "two-sided"),
        (np.log(rough[ROOT] / rough[NONE]), 0.0, "two-sided"),
        (rise["multi-step"], 0.0, "greater"),
        (rise["multi-step"] - rise[NONE], 0.0, "two-sided"),
        (rise["cosine"], 0.02, "less"),
        *((last["cosine"] - last[name], 0.0, "two-sided") for name in (NONE, ROOT, "multi-step")),
    ]
    claims = list(judged().values())
    assert 9 == len(claims)
    for (differences, against, side), claim in zip(expected, claims, strict=True):
        test = stats.ttest_1samp(differences, against, alternative=side)
        interval = test.confidence_interval()
        reference = (differences.mean(), interval.low, interval.high, test.pvalue)
        np.testing.assert_allclose(reference, tuple(claim.contrast), rtol=1e-9, atol=1e-12)
    assert all(claim.holds for claim in claims)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"final": {ROOT: 88.0}}, "square root is better than none, as printed"),
        ({"final": {"multi-step": 91.0}}, "cosine is better than multi-step"),
        ({"rise": {"multi-step": -0.1}}, "multi-step over-fits"),
        ({"rise": {NONE: 0.5}}, "multi-step over-fits more than none"),
        ({"rise": {"cosine": 0.1}}, "cosine does not over-fit"),
    ],
)
def test_claims_that_are_false_do_not_hold(changes, text):
    """A claim does not hold where the curves say nothing of it or the contrary, however sure they are."""
    assert not judged(**changes)[text].holds


def test_the_claims_are_corrected_together():
    """The p-values are those of plain t-tests, adjusted by Holm over all nine."""
    claims = list(judged(final={"multi-step": 90.98}).values())
    order = np.argsort([claim.contrast.p for claim in claims])
    expected = np.maximum.accumulate([claims[i].contrast.p * (9 - place) for place, i in enumerate(order)])
    assert np.minimum(expected, 1).tolist() == pytest.approx([claims[i].p_holm for i in order])


def claim(**changes):
    return ClaimConfig.model_validate({"text": "it is so", "weights": {"cosine": 1.0}, "above": 0.0} | changes)


ROUGHNESS = claim(measure="log_roughness", curve="loss", windows=[[21, 30]])
OVERFITTING = claim(measure="rise", curve="loss", windows=[[10, 12], [28, 30]])


def test_the_roughness_reads_its_window():
    """The SD of the steps between epochs 21 to 30, block by block; what lies before does not matter."""
    curve = np.random.default_rng(2).normal(size=(5, 30))
    expected = [np.log(np.std(np.diff(line[20:]), ddof=1)) for line in curve]
    assert expected == pytest.approx(measured(ROUGHNESS, curve).tolist())
    curve[:, :20] = 0
    assert expected == pytest.approx(measured(ROUGHNESS, curve).tolist())


def test_a_rise_compares_two_fixed_windows():
    """The mean of epochs 28-30 minus that of 10-12; "minus the minimum" would be above 0 without over-fitting."""
    loss = np.arange(1.0, 31.0)[None]
    assert measured(OVERFITTING, loss).tolist() == [18.0]
    flat = np.random.default_rng(3).normal(size=(400, 30))
    assert stats.ttest_1samp(measured(OVERFITTING, flat), 0).pvalue > 0.01
    minus_minimum = flat[:, 27:].mean(axis=1) - flat.min(axis=1)
    assert stats.ttest_1samp(minus_minimum, 0).pvalue < 1e-9


@pytest.mark.parametrize(
    ("epochs", "early", "late"), [(10, (3, 4), (9, 10)), (12, (4, 5), (11, 12)), (60, (18, 24), (54, 60))]
)
def test_windows_keep_their_fractions(epochs, early, late):
    """In a run of another length a window lies at the same part of training."""
    curve = np.arange(epochs, dtype=float)[None]
    expected = curve[0, slice(*late)].mean() - curve[0, slice(*early)].mean()
    assert [expected] == measured(OVERFITTING, curve).tolist()


def test_curves_that_will_not_do_are_refused():
    """Missing candidates, short and flat curves are named."""
    accuracy, loss = article_curves()
    with pytest.raises(InputError, match="lacks cosine"):
        judge_claims([r for r in records(accuracy, loss) if r.family != "cosine"], ARTICLE, PLAN)
    with pytest.raises(InputError, match="'it is so' needs 10 epochs or more, but the curves have 9"):
        measured(OVERFITTING, np.ones((3, 9)))
    with pytest.raises(InputError, match="'it is so' needs 9 epochs or more, but the curves have 8"):
        measured(ROUGHNESS, np.ones((3, 8)))
    with pytest.raises(InputError, match="does not vary between epochs"):
        measured(ROUGHNESS, np.ones((3, 9)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"below": 1.0}, "a claim takes either above or below"),
        ({"above": None}, "a claim takes either above or below"),
        ({"measure": "rise"}, "windows must be 2 for the measure 'rise', got 0"),
        ({"measure": "log_roughness", "windows": [[20, 31]]}, "a window must lie within epochs 1 to 30, got 20 to 31"),
        ({"weights": {}}, "weights"),
    ],
)
def test_a_claim_of_a_study_file_must_be_whole(changes, message):
    """What is lacking or contradicts itself is named with its table."""
    claim = {"text": "it is so", "weights": {"cosine": 1.0}, "above": 0.0} | changes
    with pytest.raises(InputError, match=message):
        StudyConfig.from_dict({"plan": {"claims": [claim]}})


def test_the_claims_of_earlier_versions_are_still_read():
    """A stored study may name the article's claims, or have none."""
    assert ARTICLE == StudyConfig.from_dict({"plan": {"claims": "article"}}).plan.claims
    assert () == StudyConfig.from_dict({"plan": {"claims": None}}).plan.claims


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
    config = StudyConfig.load(built_in_study("article"))
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
            stored_records(stored(storage, _article_config(), _article(blocks=5)["scores"], name="e/confirm")),
            _article_config().plan.claims,
            ConfirmationPlan(Settings(rope=0.3)),
        )
    silent = verdict_of(stored(storage, config_of(), _article()["scores"], name="d/confirm"))
    assert ("", ()) == (silent.claims_note, silent.claims)
