"""One search by one sampler on a problem whose answer is known, and its result by the number of trials a family."""

from __future__ import annotations

import time
import warnings
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.exceptions import ExperimentalWarning
from optuna.pruners import NopPruner
from optuna.samplers import BaseSampler, PartialFixedSampler, TPESampler
from optuna.trial import Trial, TrialState
from sampler_cases import EPOCHS
from scipy.stats import kendalltau

from lrsearch.experiment.space import FAMILY, Space
from lrsearch.search.pruning import RungPruner
from lrsearch.search.sampling import FamilySampler

FloatArray: TypeAlias = NDArray[np.float64]
Peer = Callable[[Space, int], Callable[[int], BaseSampler]]
"""From a space and a seed to the sampler of trial number 0, 1, ..."""


@dataclass(frozen=True)
class Problem:
    """What a sampler is tried on.

    Attributes:
        space: what is searched.
        curve: from a trial's parameters to the exact scores `[epochs]` at the ends of epochs, to be maximised; the
            last is that of the trial. With `whole` false the last alone, `[1]`.
        optima: the best score of each family of the space.
        worst: the score of a run that has learned nothing, which is seen without noise.
    """

    space: Space
    curve: Callable[[Mapping[str, Any], bool], FloatArray]
    optima: Mapping[str, float]
    worst: float


@dataclass(frozen=True)
class Setting:
    """How a search is run.

    Attributes:
        budgets: trials a family at which it is judged; with a pruner, the epochs of that many whole trials.
        lanes: trials side by side.
        noise: the SD of what is seen of a score, in points.
        seed: of the sampler and the noise.
        pruner: "none", or "rungs" within the family.
    """

    budgets: tuple[int, ...]
    lanes: int
    noise: float
    seed: int
    pruner: str = "none"


def run(problem: Problem, peer: Peer, setting: Setting) -> dict[str, dict[str, Any]]:
    """Search and return, for each budget, regrets `[families]`, Kendall's tau and the milliseconds of an ask.

    `regret` is what the configuration that looked best in a family lacks to the family's optimum; `best` is what the
    one that looked best of all lacks to the best optimum. `tau` compares the order of the families by the exact scores
    of what was found with the order of their optima. `lanes` trials are always under way; the oldest ends first.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    pruned = setting.pruner == "rungs"
    study = optuna.create_study(direction="maximize", pruner=RungPruner(EPOCHS) if pruned else NopPruner())
    sampler_of = peer(problem.space, setting.seed)
    families = problem.space.families
    complete: dict[str, list[tuple[float, float]]] = {family: [] for family in families}  # seen, exact
    running: deque[Trial] = deque()
    seconds, epochs, asked, judged = 0.0, 0, 0, {}
    for budget in sorted(setting.budgets):
        while epochs < budget * len(families) * EPOCHS:
            begun = time.process_time()
            while len(running) < setting.lanes:
                study.sampler = sampler_of(asked)
                running.append(study.ask())
                problem.space.suggest(running[-1])
                asked += 1
            seconds += time.process_time() - begun
            trial = running.popleft()
            curve = problem.curve(trial.params, pruned)
            noise = np.random.default_rng([setting.seed, trial.number]).standard_normal(EPOCHS)[-len(curve) :]
            seen = np.where(curve > problem.worst, curve + setting.noise * noise, problem.worst)
            ended = _report(trial, seen) if pruned else None
            if ended is None:
                study.tell(trial, float(seen[-1]))
                complete[trial.params[FAMILY]].append((float(seen[-1]), float(curve[-1])))
            else:
                study.tell(trial, state=TrialState.PRUNED)
            epochs += EPOCHS if ended is None else ended
        judged[str(budget)] = _judge(problem, complete) | {"ms": round(1000 * seconds / asked, 2), "trials": asked}
    return judged


def _report(trial: Trial, seen: FloatArray) -> int | None:
    """Report epoch by epoch; return the epoch after which the trial is pruned, or None."""
    for epoch, value in enumerate(seen.tolist(), start=1):
        trial.report(value, epoch)
        if epoch < len(seen) and trial.should_prune():
            return epoch
    return None


def _judge(problem: Problem, complete: Mapping[str, Sequence[tuple[float, float]]]) -> dict[str, Any]:
    best = [max(trials) for trials in complete.values()]
    exact = [score for _, score in best]
    optima = list(problem.optima.values())
    return {
        "regret": [round(optimum - score, 4) for optimum, score in zip(optima, exact, strict=True)],
        "best": round(max(optima) - max(best)[1], 4),
        "tau": round(float(kendalltau(exact, optima).statistic), 4),
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
