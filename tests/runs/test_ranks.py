"""Ranks that decide together."""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch

from lrsearch.errors import InputError
from lrsearch.runs import ranks
from lrsearch.runs.errors import Diverged, Pruned
from lrsearch.runs.ranks import OneRank, Ranks, SeveralRanks, ranks_in
from lrsearch.runs.run import Run
from tests.runs.test_run import Judge, make_spec


def on_all(folder: Path, act: Callable[[Ranks], Any], count: int = 2) -> list[Any]:
    """Return what all ranks return or raise, each in a thread."""

    def caught(rank: int) -> Any:
        try:
            return act(SeveralRanks(folder, rank, count))
        except Exception as error:
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(caught, range(count)))


def test_all_ranks_get_what_rank_0_decides(tmp_path) -> None:
    """Which alone is asked, meeting after meeting."""

    def act(of: Ranks) -> list[int]:
        asked: list[int] = []

        def first() -> int:
            asked.append(of.rank)
            return len(asked)

        return [*(of.decide("lunch", first) for _ in range(3)), *asked]

    assert [[1, 2, 3, 0, 0, 0], [1, 2, 3], [1, 2, 3]] == on_all(tmp_path, act, count=3)


def test_what_ranks_have_is_compared(tmp_path) -> None:
    """All of them are told."""

    def act(of: Ranks) -> list[bool]:
        return [of.all_same(f"{of.rank}"), of.all_same("equal")]

    assert [[False, True], [False, True]] == on_all(tmp_path, act)


def test_ranks_that_do_different_things_are_refused(monkeypatch, tmp_path) -> None:
    """By what each of them does."""
    monkeypatch.setattr(ranks, "JOIN_SECONDS", 0.1)
    monkeypatch.setattr(ranks, "MOST_WAIT_SECONDS", 0.0)
    first, _ = on_all(tmp_path, lambda of: of.decide(f"a report at step {of.rank}", lambda: True))
    assert "rank 0 comes to a report at step 0, and rank 1 to a report at step 1" in str(first)


@pytest.mark.parametrize("missing", [0, 1])
def test_a_rank_that_does_not_join_is_named(monkeypatch, tmp_path, missing) -> None:
    """After a minute, in one line."""
    monkeypatch.setattr(ranks, "JOIN_SECONDS", 0.05)
    monkeypatch.setattr(ranks, "MOST_WAIT_SECONDS", 0.0)
    waiting = SeveralRanks(tmp_path, 1 - missing, 2)
    with pytest.raises(InputError, match=f"rank {missing} of 2 did not join a report within 0.05 seconds"):
        waiting.decide("a report", lambda: True)


@pytest.mark.parametrize(("count", "kind"), [(None, OneRank), ("1", OneRank), ("2", SeveralRanks)])
def test_ranks_are_those_of_the_launcher(tmp_path, count, kind) -> None:
    """Without one there is one."""
    assert isinstance(ranks_in(tmp_path, {"WORLD_SIZE": count, "RANK": "0"} if count else {}), kind)


@pytest.mark.parametrize(
    ("scores", "ends_at", "kinds"),
    [
        ((1.0, 2.0), 2, (Pruned, Pruned)),
        ((1.0, math.nan), None, (1.0, 1.0)),
        ((math.nan, 1.0), None, (Diverged, Diverged)),
    ],
)
def test_a_run_ends_on_all_ranks_or_on_none(tmp_path, scores, ends_at, kinds) -> None:
    """The score of rank 0 counts, and the search hears of it once."""
    judge = Judge(ends_at)

    def act(of: Ranks) -> float:
        run = Run(make_spec(), judge, of)
        for step in (10, 20):
            run.report(scores[of.rank], step=step)
        return run.last_score

    ended = on_all(tmp_path, act)
    assert list(kinds) == [type(end) if isinstance(end, Exception) else end for end in ended]
    assert len(judge.heard) == (1 if math.isnan(scores[0]) else 2)


def trained(folder: Path, of: Ranks, judge: Judge, *, until: int = 4) -> torch.Tensor:
    """Train some epochs with random numbers that differ between the ranks; return the weights."""
    run = Run(make_spec(folder=str(folder), checkpoint_seconds=0.0), judge, of)
    noise = torch.Generator().manual_seed(of.rank)
    weights = torch.nn.Linear(2, 1)
    with torch.no_grad():
        weights.weight.fill_(1.0)
        for epoch in run.epochs(weights=weights, noise=noise):
            if epoch == until:
                break
            weights.weight += run.lr(10 * epoch + 9) * torch.randn(2, generator=noise)
            run.report(1.0)
    return weights.weight.detach().clone()


class Deaf(Judge):
    """A search that does not care for what was reported before."""

    def tell(self, message: object) -> None:
        """Hear nothing."""


def test_each_rank_goes_on_with_random_numbers_of_its_own(tmp_path) -> None:
    """To the bit; a rank that has lost its checkpoint lets all begin anew."""
    undisturbed, resumed = tmp_path / "undisturbed", tmp_path / "resumed"
    for folder in (undisturbed, resumed):
        folder.mkdir()
    expected = on_all(undisturbed, lambda of: trained(undisturbed, of, Deaf()))
    assert not torch.equal(*expected)
    on_all(resumed, lambda of: trained(resumed, of, Deaf(), until=2))
    judge = Deaf()
    for path in resumed.glob("0-*"):
        path.unlink()
    again = on_all(resumed, lambda of: trained(resumed, of, judge))
    assert all(torch.equal(*pair) for pair in zip(expected, again, strict=True))
    assert 2 == len(judge.heard)
    (resumed / "checkpoint-1.pt").unlink()
    for path in resumed.glob("0-*"):
        path.unlink()
    anew = on_all(resumed, lambda of: trained(resumed, of, judge))
    assert all(torch.equal(*pair) for pair in zip(expected, anew, strict=True))
    assert 6 == len(judge.heard)
