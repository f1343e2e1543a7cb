"""A loop that changes a training and keeps what is better, with a referee that is not fooled by luck.

Proposal k is judged at alpha / (k (k + 1)). These levels add up to alpha, so that a loop whose proposals change nothing
is fooled in at most one of twenty whole sequences, however long it runs and after however many runs it looks.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable
from typing import Any

from lrsearch import compare_sequential

Settings = dict[str, Any]


def improve(
    now: Settings,
    proposals: Iterable[Settings],
    train: Callable[[Settings, int], float],
    *,
    alpha: float = 0.05,
    most_pairs: int = 30,
) -> Settings:
    """Return the settings that are left after all proposals; `train` returns the loss of some settings and a seed."""
    seeds = itertools.count()  # no run is used twice: what was chosen for its luck must not be its own witness
    for k, change in enumerate(proposals, start=1):
        new, ours, theirs = now | change, list[float](), list[float]()
        for seed in itertools.islice(seeds, most_pairs):
            ours.append(train(new, seed))
            theirs.append(train(now, seed))
            level = alpha / (k * (k + 1))
            verdict = compare_sequential(ours, theirs, alpha=level, direction="minimize", metric="loss")
            if verdict.outcome != "undecided":
                break
        now = new if verdict.outcome == "better" else now
        print(f"{k}: {change} {'kept' if now is new else 'dropped'}. {verdict.sentence}")
    return now


if __name__ == "__main__":
    noise = random.Random(0)
    ideas: list[Settings] = [{"rate": 0.3}, {"rate": 0.1}, {"warmup": 50}, {"rate": 0.11}]
    print(improve({"rate": 0.5}, ideas, lambda run, _: (run["rate"] - 0.1) ** 2 + noise.gauss(0, 0.02)))
