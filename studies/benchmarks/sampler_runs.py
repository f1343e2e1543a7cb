"""One search by one sampler on a problem whose answer is known, and what it is worth after so many trials a family."""

from __future__ import annotations

import time
import warnings
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, PartialFixedSampler, TPESampler
from optuna.trial import Trial
from scipy.stats import kendalltau

from lrsearch.experiment.space import FAMILY, Space
from lrsearch.search.sampling import FamilySampler

Peer = Callable[[Space, int], Callable[[int], BaseSampler]]
"""From a space and a seed to the sampler of trial number 0, 1, ..."""


@dataclass(frozen=True)
class Problem:
    """What a sampler is tried on.

    Attributes:
        space: what is searched.
        score: the exact score of a trial's parameters, to be maximised.
        optima: the best score of each family of the space.
        worst: the score of a run that has learned nothing, which is seen without noise.
    """

    space: Space
    score: Callable[[Mapping[str, Any]], float]
    optima: Mapping[str, float]
    worst: float


@dataclass(frozen=True)
class Setting:
    """How a search is run: trials a family at which it is judged, trials side by side, noise (SD, points), seed."""

    budgets: tuple[int, ...]
    lanes: int
    noise: float
    seed: int


@dataclass
class _Found:
    """The finished trials of a family so far, as (seen, exact score); the first of the best seen is the winner."""

    trials: list[tuple[float, float]] = field(default_factory=list)

    @property
    def exact(self) -> float:
        return max(self.trials, key=lambda trial: trial[0])[1]

    @property
    def seen(self) -> float:
        return max(self.trials)[0]


def run(problem: Problem, peer: Peer, setting: Setting) -> dict[str, dict[str, Any]]:
    """Search and return, for each budget, regrets `[families]`, Kendall's tau and the milliseconds of an ask.

    `regret` is what the configuration that looked best in a family lacks to the family's optimum; `best` is what the
    one that looked best of all lacks to the best optimum. `tau` compares the order of the families by the exact scores
    of what was found with the order of their optima. `lanes` trials are always under way; the oldest ends first.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(direction="maximize")
    sampler_of = peer(problem.space, setting.seed)
    families = problem.space.families
    found = {family: _Found() for family in families}
    running: deque[Trial] = deque()
    seconds, judged = 0.0, {}
    last = max(setting.budgets) * len(families)
    noise = np.random.default_rng([setting.seed, 0]).standard_normal(last) * setting.noise
    for finished in range(1, last + 1):
        begun = time.process_time()
        while len(running) < setting.lanes and (number := finished - 1 + len(running)) < last:
            study.sampler = sampler_of(number)
            running.append(study.ask())
            problem.space.suggest(running[-1])
        seconds += time.process_time() - begun
        trial = running.popleft()
        exact = problem.score(trial.params)
        seen = exact + noise[trial.number] if exact > problem.worst else problem.worst
        study.tell(trial, seen)
        found[trial.params[FAMILY]].trials.append((seen, exact))
        trials, rest = divmod(finished, len(families))
        if not rest and trials in setting.budgets:
            judged[str(trials)] = _judge(problem, found) | {"ms": round(1000 * seconds / (finished + len(running)), 2)}
    return judged


def _judge(problem: Problem, found: Mapping[str, _Found]) -> dict[str, Any]:
    exact = [each.exact for each in found.values()]
    luckiest = max(found, key=lambda family: found[family].seen)
    return {
        "regret": [round(best - score, 4) for best, score in zip(problem.optima.values(), exact, strict=True)],
        "best": round(max(problem.optima.values()) - found[luckiest].exact, 4),
        "tau": round(float(kendalltau(exact, list(problem.optima.values())).statistic), 4),
    }


def of_families(**options: Any) -> Peer:
    """Return the FamilySampler with `options` as a peer."""

    def peer(space: Space, seed: int) -> Callable[[int], BaseSampler]:
        sampler = FamilySampler(space, seed=seed, **options)
        return lambda _: sampler

    return peer


def group_tpe(space: Space, seed: int) -> Callable[[int], BaseSampler]:
    """Return Optuna's multivariate group TPE over all trials, the families in equal turns."""
    families: Sequence[str] = space.families
    tpe = _experimental(TPESampler, multivariate=True, group=True, seed=seed)

    def sampler_of(number: int) -> BaseSampler:
        turn, place = divmod(number, len(families))
        order = np.random.default_rng([seed, turn]).permutation(len(families))
        return _experimental(PartialFixedSampler, {FAMILY: families[order[place]]}, tpe)

    return sampler_of


def _experimental(sampler: type[BaseSampler], *arguments: Any, **options: Any) -> BaseSampler:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        return sampler(*arguments, **options)


PEERS: dict[str, Peer] = {
    "tpe10": of_families(kind="tpe", startup_trials=10),
    "tpe4": of_families(kind="tpe", startup_trials=4),
    "group": group_tpe,
    "gp": of_families(kind="gp"),
    "random": of_families(kind="random"),
}
"""The samplers by name; tpe10 is the first in every comparison."""
