import numpy as np
import pytest
from scipy import stats

from lrsearch.comparison.article import SCHEDULES, article_claims, log_sd_ratio, overfitting
from lrsearch.errors import InputError

FINAL = {"none 0.1": 89.0, "none 0.3": 89.0, "square_root 0.1": 90.0, "square_root 0.3": 90.0, "multistep": 89.5}
ROUGH = {"none 0.3": 0.05, "multistep": 0.02}
RISE = {"none 0.3": 0.1, "multistep": 0.3}


def curves(rng, level, noise, rise=None, *, blocks=20, epochs=30):
    """Return curves schedule -> [blocks, epochs]: a level, a linear rise over the run, and noise per epoch."""
    grow = np.linspace(0.0, 1.0, epochs)
    return {
        name: level.get(name, 91.0)
        + (rise or {}).get(name, 0.0) * grow
        + rng.normal(0.0, noise.get(name, 0.01), (blocks, epochs))
        for name in SCHEDULES
    }


def claims(**changes):
    rng = np.random.default_rng(1)
    accuracy = curves(rng, FINAL | changes.get("final", {}), dict.fromkeys(SCHEDULES, 0.1))
    loss = curves(rng, dict.fromkeys(SCHEDULES, 0.3), ROUGH, RISE | changes.get("rise", {}))
    return {claim.text: claim for claim in article_claims(accuracy, loss)}


def test_claims_that_are_true_are_shown_to_hold():
    """Curves drawn as the article tells them make every one of its claims hold, at the size they were drawn with."""
    found = claims()
    assert len(found) == 9
    assert all(claim.holds for claim in found.values())
    assert found["square root is better than none, by its shape"].contrast.estimate == pytest.approx(1.0, abs=0.1)
    assert found["multi-step over-fits"].contrast.estimate == pytest.approx(0.3 * 18 / 29, abs=0.02)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"final": {"square_root 0.1": 88.0}}, "square root is better than none, as printed"),
        ({"final": {"multistep": 91.0}}, "cosine is better than multi-step"),
        ({"rise": {"multistep": -0.1}}, "multi-step over-fits"),
        ({"rise": {"none 0.3": 0.5}}, "multi-step over-fits more than none"),
        ({"rise": {"cosine": 0.1}}, "cosine does not over-fit"),
    ],
)
def test_claims_that_are_false_do_not_hold(changes, text):
    """A claim does not hold where the curves say nothing of it or the contrary, however sure they are."""
    assert not claims(**changes)[text].holds


def test_the_claims_are_corrected_together():
    """The p-values are those of plain t-tests, adjusted by Holm over all nine."""
    found = list(claims(final={"multistep": 90.98}).values())
    order = np.argsort([claim.contrast.p for claim in found])
    expected = np.maximum.accumulate([found[i].contrast.p * (9 - place) for place, i in enumerate(order)])
    assert np.minimum(expected, 1).tolist() == pytest.approx([found[i].p_holm for i in order])


def test_the_smoothness_reads_the_last_third():
    """The log ratio compares the SD of the steps between epochs 21 to 30, block by block."""
    rng = np.random.default_rng(2)
    first, second = rng.normal(size=(5, 30)), rng.normal(size=(5, 30))
    expected = [
        np.log(np.std(np.diff(a[20:]), ddof=1) / np.std(np.diff(b[20:]), ddof=1))
        for a, b in zip(first, second, strict=True)
    ]
    assert expected == pytest.approx(log_sd_ratio(first, second).tolist())
    first[:, :20] = 0
    assert expected == pytest.approx(log_sd_ratio(first, second).tolist())


def test_over_fitting_compares_two_fixed_windows():
    """O is the mean of epochs 28-30 minus that of 10-12; "minus the minimum" would be above 0 without over-fitting."""
    loss = np.arange(1.0, 31.0)[None]
    assert overfitting(loss).tolist() == [18.0]
    flat = np.random.default_rng(3).normal(size=(400, 30))
    assert stats.ttest_1samp(overfitting(flat), 0).pvalue > 0.01
    minus_minimum = flat[:, 27:].mean(axis=1) - flat.min(axis=1)
    assert stats.ttest_1samp(minus_minimum, 0).pvalue < 1e-9


def test_curves_that_will_not_do_are_refused():
    """Missing schedules, short, flat or unequal curves are named."""
    rng = np.random.default_rng(4)
    good = curves(rng, FINAL, {})
    for accuracy, loss, message in [
        ({}, good, "accuracy must hold a curve of each"),
        (good, good | {"cosine": good["cosine"][:, :20]}, "all curves of test_loss must have the same shape"),
        (good, {name: curve[:, :20] for name, curve in good.items()}, "same blocks and epochs"),
    ]:
        with pytest.raises(InputError, match=message):
            article_claims(accuracy, loss)
    with pytest.raises(InputError, match="needs 10 epochs or more, but the curves have 9"):
        overfitting(np.ones((3, 9)))
    with pytest.raises(InputError, match="9 epochs or more"):
        log_sd_ratio(np.ones((3, 8)), np.ones((3, 8)))
    with pytest.raises(InputError, match="does not vary between epochs"):
        log_sd_ratio(np.ones((3, 9)), np.ones((3, 9)))
