"""Choose the family in a seeded round, then ask a sampler that sees the trials of that family alone.

Stock TPE splits good trials from bad ones over the whole study, so a weak family is searched at random and one family
takes half of the budget. Here each family is searched as if it had a study to itself.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args
from weakref import WeakKeyDictionary

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from lrsearch.errors import InputError
from lrsearch.search.shadow import FamilyTPE, Params, ShadowStudy, SobolPoints, derived_seed, random_draw
from lrsearch.search.space import FAMILY, Space

SamplerKind = Literal["tpe", "random", "qmc"]

_REDRAWS = 20  # after so many random draws that all exist already, a discrete space counts as used up


class FamilySampler(BaseSampler):
    """An Optuna sampler that gives every family equally many trials and searches each from its own trials only.

    A proposal depends on the seed and on what the study holds, never on a state kept between trials: a study continued
    in a new process goes on as if it had not been interrupted. The families come in rounds, each a seeded permutation;
    trials in flight in other workers are foreseen by the same rule, and the place of a failed trial is given again.
    `kind` names the sampler inside a family: `tpe`, `random`, or `qmc` (scrambled Sobol points; the n-th trial of a
    family takes the n-th point). Parameters that are not in `space` are drawn at random.
    """

    def __init__(self, space: Space, *, kind: SamplerKind = "tpe", seed: int) -> None:
        if kind not in get_args(SamplerKind):
            raise InputError(f"sampler must be one of {', '.join(get_args(SamplerKind))}, got {kind!r}")
        if seed < 0:
            raise InputError(f"the sampler's seed must be 0 or more, got {seed}")
        self.space = space
        self.kind: SamplerKind = kind
        self.seed = seed
        self._digests: WeakKeyDictionary[Study, _Digest] = WeakKeyDictionary()
        self._lock = threading.Lock()  # `study.optimize(n_jobs=...)` asks from several threads

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self.space, self.kind, self.seed)

    def infer_relative_search_space(
        self,
        study: Study,  # noqa: ARG002  (Optuna's interface)
        trial: FrozenTrial,  # noqa: ARG002
    ) -> dict[str, BaseDistribution]:
        """Return every parameter of every family; which of them a trial has is decided in `sample_relative`."""
        union: dict[str, BaseDistribution] = {FAMILY: self.space.family_distribution}
        for family in self.space.families:
            union |= self.space.distributions(family)
        return union

    def sample_relative(
        self,
        study: Study,
        trial: FrozenTrial,
        search_space: dict[str, BaseDistribution],  # noqa: ARG002  (Optuna's interface)
    ) -> dict[str, Any]:
        """Return the family whose turn it is and a value for each of its parameters."""
        with self._lock:
            digest = self._digests.setdefault(study, _Digest(self.space))
            trials = study.get_trials(deepcopy=False)
            digest.absorb(trials)
            unsettled = trials[digest.settled :]
            family, index = self._turn(digest, unsettled, trial)
            running = [
                other
                for other in unsettled
                if not other.state.is_finished()
                and other.number != trial.number
                and self.space.family_of(other) == family
            ]
            return {FAMILY: family} | self._draw(digest, study, trial, family, index, running)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Draw a parameter from outside the space at random; the draw depends on (seed, name, trial number)."""
        seed = derived_seed(self.seed, param_name, trial.number)
        return random_draw(study, trial, {param_name: param_distribution}, seed)[param_name]

    def _turn(self, digest: _Digest, unsettled: Sequence[FrozenTrial], trial: FrozenTrial) -> tuple[str, int]:
        """Replay the lower-numbered trials: whose turn it is, and how many trials that family has had before."""
        given, had = digest.given.copy(), digest.had.copy()
        for other in unsettled:
            if other.number >= trial.number:
                break
            family = self.space.family_of(other)
            if family is None and not other.state.is_finished():
                family = family_in_turn(given, self.seed)
            if family is not None:
                had[family] += 1
                given[family] += other.state != TrialState.FAIL
        chosen = self.space.family_of(trial) or family_in_turn(given, self.seed)
        return chosen, had[chosen]

    def _draw(
        self, digest: _Digest, study: Study, trial: FrozenTrial, family: str, index: int, running: list[FrozenTrial]
    ) -> Params:
        distributions = self.space.distributions(family)
        seed = derived_seed(self.seed, family, index)
        if self.kind == "tpe":
            if family not in digest.shadows:
                digest.shadows[family] = ShadowStudy(distributions, study.direction)
            shadow = digest.shadows[family]
            params = shadow.ask(FamilyTPE(distributions, seed), digest.finished[family], running)
        elif self.kind == "qmc":
            if family not in digest.points:
                digest.points[family] = SobolPoints(distributions, derived_seed(self.seed, family))
            params = digest.points[family].point(index)
        else:
            params = random_draw(study, trial, distributions, seed)
        used = {_key(other.params, distributions) for other in running}
        for redraw in range(_REDRAWS):
            key = _key(params, distributions)
            if key not in used and key not in digest.used[family]:
                break
            params = random_draw(study, trial, distributions, derived_seed(self.seed, family, index, redraw))
        return params


def family_in_turn(given: Mapping[str, int], seed: int) -> str:
    """Return the next family of the earliest round that is not complete.

    `given` counts the trials of each family, failed ones left out. Round r is a permutation of the families drawn from
    (seed, r), so K families have had their r-th trial before any has its (r + 1)-th.
    """
    families = list(given)
    behind = min(given.values())
    order = np.random.default_rng([seed, behind]).permutation(len(families)).tolist()
    return next(families[i] for i in order if given[families[i]] == behind)


class _Digest:
    """What a study's finished trials come to, kept so that a trial costs the same in a long study as in a short one."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self.settled = 0  # all trials with a lower number are finished, and counted in `given` and `had`
        self.given = Counter(dict.fromkeys(space.families, 0))  # trials per family, failed ones left out
        self.had = Counter(dict.fromkeys(space.families, 0))  # trials per family, failed ones too
        self.used: dict[str, set[tuple[Any, ...]]] = {family: set() for family in space.families}
        # In the order in which they ended, which the storage keeps: it only grows, and is the same after a restart.
        self.finished: dict[str, list[FrozenTrial]] = {family: [] for family in space.families}
        self.shadows: dict[str, ShadowStudy] = {}
        self.points: dict[str, SobolPoints] = {}
        self._absorbed: set[int] = set()

    def absorb(self, trials: Sequence[FrozenTrial]) -> None:
        """Take in the trials (all of the study's, by number) that have finished since the last call."""
        fresh = [t for t in trials[self.settled :] if t.state.is_finished() and t.number not in self._absorbed]
        for trial in sorted(fresh, key=lambda t: (t.datetime_complete, t.number)):
            self._absorbed.add(trial.number)
            family = self._space.family_of(trial)
            if family is not None:
                self.used[family].add(_key(trial.params, self._space.distributions(family)))
                if trial.state != TrialState.FAIL:
                    self.finished[family].append(trial)
        while self.settled in self._absorbed:
            trial = trials[self.settled]
            family = self._space.family_of(trial)
            if family is not None:
                self.had[family] += 1
                self.given[family] += trial.state != TrialState.FAIL
            self._absorbed.remove(self.settled)
            self.settled += 1


def _key(params: Mapping[str, Any], distributions: Mapping[str, BaseDistribution]) -> tuple[Any, ...]:
    return tuple(params.get(name) for name in distributions)


def _rebuild(space: Space, kind: SamplerKind, seed: int) -> FamilySampler:
    return FamilySampler(space, kind=kind, seed=seed)
