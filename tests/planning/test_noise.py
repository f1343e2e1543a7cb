"""The noise that a plan assumes: stated, measured without the test set, or assumed and said so."""

import numpy as np
import pytest
from optuna.storages import InMemoryStorage

from lrsearch.comparison.inference.power import Noise
from lrsearch.errors import InputError
from lrsearch.planning.noise import ASSUMED, AssumedNoise, noise_of, noise_of_table
from tests.confirmation_examples import config_of, noisy, stored


@pytest.fixture
def storage():
    return InMemoryStorage()


def _pilot(storage, sd: float = 1.0, shared: float = 0.5, *, blocks: int = 200, **given):
    """Store a confirmation whose report accuracies have this SD and correlation, and whose test set says nonsense."""
    rng = np.random.default_rng(3)
    common = rng.normal(0, sd * shared**0.5, blocks)
    entries = ("cosine", "linear", "constant")
    report = {name: 90 + common + rng.normal(0, sd * (1 - shared) ** 0.5, blocks) for name in entries}
    scores = {name: noisy(50.0, blocks, sd=20.0) for name in entries}
    return stored(storage, config_of(), scores, report={**report, **given.pop("more", {})}, **given)


def test_a_pilot_is_measured_on_its_report_examples_alone(storage) -> None:
    """SD and correlation are those put into the report accuracy; the test accuracy, far noisier, is not read."""
    _pilot(storage)
    assumed = noise_of(storage, "tab")
    assert 1.0 == pytest.approx(assumed.noise.sd, abs=0.1)
    assert 0.5 == pytest.approx(assumed.noise.correlation, abs=0.1)
    assert "holdout examples of 'tab': 200 blocks of 3 candidates" in assumed.source
    assert "too few" not in assumed.source
    assert not assumed.of_searches


def test_a_small_pilot_and_one_of_searches_are_called_so(storage) -> None:
    """Below ten blocks the SD is not well known; noise of whole searches is another noise."""
    _pilot(storage, blocks=5, searches=5)
    assumed = noise_of(storage, "tab")
    assert "too few to know the SD well" in assumed.source
    assert assumed.of_searches


def test_controls_and_failed_entries_are_no_pilot(storage) -> None:
    """Both would tell another noise than that of what is compared."""
    study = _pilot(storage, controls={"constant": {"kind": "positive", "of": "cosine"}})
    assert "of 2 candidates" in noise_of(storage, "tab").source
    lost = InMemoryStorage()
    rng = np.random.default_rng(0)
    report = {n: 90 + rng.normal(0, 1, 20) for n in ("cosine", "linear")} | {"constant": np.full(20, 11.0)}
    stored(lost, config_of(), {n: noisy(90.0, 20) for n in report}, report=report)
    assert "of 2 candidates" in noise_of(lost, "tab").source
    assert "tab/confirm" == study.study_name


def test_anticorrelated_columns_count_as_uncorrelated(storage) -> None:
    """A plan takes correlations from 0; what is below counts as 0, which is the more cautious."""
    base = np.random.default_rng(0).normal(0, 1, 30)
    report = {"cosine": 90 + base, "linear": 90 - base}
    stored(storage, config_of(), {n: noisy(90.0, 30) for n in report}, report=report)
    assert 0.0 == noise_of(storage, "tab").noise.correlation


def test_what_is_stated_goes_before_a_pilot(storage) -> None:
    """One number may be stated alone; wrong ones are refused with their rule."""
    _pilot(storage)
    assert (Noise(0.4, 0.1), "stated") == _parts(noise_of(storage, "tab", sd=0.4, correlation=0.1))
    assert Noise(0.4, ASSUMED.correlation) == noise_of(storage, "tab", sd=0.4).noise
    for wrong in ({"sd": -1.0}, {"sd": float("nan")}, {"sd": 0.2, "correlation": 1.0}, {"correlation": -0.1}):
        with pytest.raises(InputError, match="sd must be 0 or more and correlation from 0 to below 1"):
            noise_of(storage, "tab", **wrong)


def _parts(assumed: AssumedNoise):
    return assumed.noise, assumed.source


def test_without_a_pilot_the_noise_is_assumed_and_says_so(storage) -> None:
    """No storage, no confirmation, nothing held back, too few blocks: assumed with the reason, refused if asked for."""
    assert not noise_of(None, "tab").known
    assert "no pilot" in noise_of(storage, "tab").source
    with pytest.raises(InputError, match="'tab' has no confirmation"):
        noise_of(storage, "tab", required=True)
    stored(storage, config_of(), {n: noisy(90.0, 8) for n in ("cosine", "linear")})
    assert "the test set is not for planning" in noise_of(storage, "tab").source
    with pytest.raises(InputError, match="the test set is not for planning"):
        noise_of(storage, "tab", required=True)
    _pilot(storage, blocks=2, name="two/confirm")
    assert "3 whole blocks" in noise_of(storage, "two").source


def test_the_noise_of_a_table_of_runs(folder, run) -> None:
    """Of blocks the SD and the correlation; of unpaired runs the pooled SD; too few runs tell nothing."""
    rng = np.random.default_rng(0)
    scores = rng.normal(0, 1, (200, 1)) + rng.normal([5.0, 7.0], 1, (200, 2))
    blocks = [f"{b},{name},{scores[b, place]}" for b in range(200) for place, name in enumerate("ab")]
    (folder / "t.csv").write_text("\n".join(["block,family,score", *blocks]))
    paired = noise_of_table(folder / "t.csv")
    assert (paired.noise.sd, paired.noise.correlation) == pytest.approx((2**0.5, 0.5), abs=0.15)
    assert "200 blocks of 2 families" in paired.source
    (folder / "u.csv").write_text("family,score\na,1\na,3\na,2\nb,8\nb,10")
    unpaired = noise_of_table(folder / "u.csv")
    assert Noise(sd=pytest.approx((4 / 3) ** 0.5), correlation=0.0) == unpaired.noise
    assert "5 unpaired runs of 2 families, too few to know the SD well" in unpaired.source
    (folder / "v.csv").write_text("family,score\na,1\nb,3")
    assert "must hold 3 runs of a family" in run("plan", "--noise-from", "v.csv").complaint
    assert "--noise-from cannot be given with --sd" in run("plan", "--noise-from", "u.csv", "--sd", "1").complaint
    (folder / "w.csv").write_text("family,score\na,0.88\na,0.89\nb,0.9\nb,0.87")
    assert [False, True] == [noise_of_table(folder / name).of_fractions for name in ("u.csv", "w.csv")]
