"""Several studies side by side: candidates, ranks and pairs, in words, in JSON and as a page."""

import json
from pathlib import Path

import numpy as np
import pytest
from optuna.storages import InMemoryStorage

import lrsearch
from lrsearch.comparison import compare_scores
from lrsearch.errors import InputError
from lrsearch.names import DEFAULT_STORAGE
from lrsearch.storage import open_storage
from lrsearch.verdict.over_studies import over_studies, read_over_studies
from tests.confirmation_examples import config_of, noisy, stored

NAMES = ("constant", "linear", "cosine")


def _compared(*means, names=NAMES, sd=0.1):
    scores = np.array([noisy(mean, 10, sd=sd, seed=place) for place, mean in enumerate(means)]).T
    return compare_scores(scores, names, rope=0.3, rng=np.random.default_rng(0))


def test_pairs_are_alike_opposite_or_undecided() -> None:
    """Two studies agree on one pair, contradict each other on another, and a third says little."""
    together = over_studies(
        {"a": _compared(88, 90, 92), "b": _compared(91, 89, 92), "c": _compared(90, 90.01, 90, sd=3.0)}
    )
    pairs = {(pair.first, pair.second): pair for pair in together.pairs}
    assert "opposite" == pairs["constant", "linear"].outcome
    assert (("b",), ("a",)) == (pairs["constant", "linear"].better, pairs["constant", "linear"].worse)
    assert ("alike", ("c",)) == (pairs["linear", "cosine"].outcome, pairs["linear", "cosine"].undecided)
    assert together.sentences[0].startswith("3 pairs over 3 studies (a, b, c): 2 decided alike in two or more")
    assert "constant is better than linear in b and worse in a." == together.sentences[1]


def test_ranks_and_recommendations_over_the_studies() -> None:
    """Mean and SD of the ranks among what all have; a candidate of one study alone has none."""
    more = _compared(88, 90, 92, 93, names=(*NAMES, "rex"))
    together = over_studies({"a": more, "b": _compared(91, 89, 92)})
    found = {standing.candidate: standing for standing in together.standings}
    assert (1.0, 0.0, 1) == (found["cosine"].mean_rank, found["cosine"].rank_sd, found["cosine"].recommended)
    assert (2.5, pytest.approx(0.5**0.5)) == (found["constant"].mean_rank, found["constant"].rank_sd)
    assert (1, 1, None) == (found["rex"].studies, found["rex"].recommended, found["rex"].mean_rank)
    assert ("rex", "cosine") == tuple(standing.candidate for standing in together.standings[:2])
    assert {pair.outcome for pair in together.pairs if pair.second == "rex"} == {"one study only"}


def test_a_failed_candidate_ranks_last() -> None:
    """Its mean may be high, but it is not tested and not recommended."""
    scores = np.array([noisy(mean, 10) for mean in (99, 90, 91)]).T
    scores[0, 0] = 60.0
    failed = compare_scores(scores, NAMES, rope=0.3, rng=np.random.default_rng(0), failed_at=70.0)
    together = over_studies({"a": failed, "b": failed})
    assert {"constant": 3.0, "linear": 2.0, "cosine": 1.0} == {s.candidate: s.mean_rank for s in together.standings}
    assert [("linear", "cosine")] == [(pair.first, pair.second) for pair in together.pairs]


def test_studies_without_candidates_in_common_are_refused() -> None:
    """There is nothing to say of them together."""
    with pytest.raises(InputError, match="studies must have two candidates in common, but a, b have 1"):
        over_studies({"a": _compared(88, 90, names=("x", "y")), "b": _compared(88, 90, names=("y", "z"))})


def test_a_study_twice_or_without_a_verdict_is_refused() -> None:
    """One that is named by its confirmation is the same; one of too few blocks is shown alone."""
    storage = InMemoryStorage()
    for name, blocks in (("one", 6), ("few", 3)):
        scores = {"constant": noisy(88.0, blocks), "cosine": noisy(89.0, blocks)}
        stored(storage, config_of(name=name), scores, name=f"{name}/confirm")
    with pytest.raises(InputError, match="studies must name two or more, each once, got one, one/confirm"):
        read_over_studies(storage, ("one", "one/confirm"))
    with pytest.raises(InputError, match="study 'few' has no verdict: 3 paired blocks are shown and not judged"):
        read_over_studies(storage, ("one", "few"))


@pytest.mark.integration
def test_the_commands_read_confirmed_studies(folder, run) -> None:
    """Terminal, JSON and page say the same; a name twice, or without a verdict, is one line."""
    storage = open_storage(DEFAULT_STORAGE)
    for name, shift in (("one", 1.0), ("two", 1.5)):
        scores = {"constant": noisy(88.0, 6), "cosine": noisy(88.0 + shift, 6)}
        stored(storage, config_of(name=name), scores, name=f"{name}/confirm")
    printed = json.loads(run("compare", "--studies", "one,two", "--format", "json").out)
    assert ["one", "two"] == printed["studies"]
    assert printed["counts"]["alike"] >= 1
    assert printed == json.loads(json.dumps(lrsearch.compare_studies(["one", "two"]).to_dict()))
    shown = run("compare", "--studies", "one,two")
    assert printed["sentences"][0] in shown.out
    assert "Next: lrsearch report --studies one,two" in shown.err
    page = run("report", "--studies", "one,two", "-o", "together.html")
    assert (0, "Next: open together.html in a browser") == (page.code, page.err.splitlines()[-1])
    assert printed["sentences"][0] in Path("together.html").read_text()
    assert "studies must name two or more, each once, got one, one" == run("compare", "--studies", "one,one").complaint
    assert "there is no study 'none'" in run("compare", "--studies", "one,none").complaint
