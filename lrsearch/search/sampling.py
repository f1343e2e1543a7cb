"""Choose the family in a seeded round, then a trial of that family.

Stock TPE splits good trials from bad ones over the whole study, so a weak family is searched at random and one family
takes half of the budget. Here every family has equal turns, and is searched from its own trials alone (tpe) or by a
model that keeps apart what families share of the learning-rate curve and what is their own (gp).
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any
from weakref import WeakKeyDictionary

from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from lrsearch.config.arguments import checked
from lrsearch.errors import InputError
from lrsearch.experiment.space import FAMILY, Space, known_params
from lrsearch.experiment.space.suggest import SpaceArguments
from lrsearch.names import SamplerKind
from lrsearch.search.digest import Digest, Tally, family_in_turn, turns
from lrsearch.search.family_samplers import FamilyTPE, Params, derived_seed, random_draw

STARTUP_TRIALS = 4
"""Random trials with which `tpe` begins in a family."""

STARTUP_POINTS = 2
"""Sobol points with which `gp` begins in a family."""

_REDRAWS = 20  # random draws that all exist already, before the configurations of a discrete space are gone through


class FamilySampler(BaseSampler):
    """An Optuna sampler that gives every family equally many trials.

    A proposal depends on the seed and on what the study holds, never on a state kept between trials: a study continued
    in a new process is as one that was never interrupted. The families come in rounds, each a seeded permutation;
    the running trials of other workers are foreseen by the same rule, and the place of a failed trial is given again. A
    family all of whose configurations have been drawn leaves its turns to the others.

    `kind` names what chooses a family's parameters: `gp`, a Gaussian process over features of the learning-rate curve
    that learns from the trials of all families (see `CurveSearch`; two Sobol points of each family begin, and a family
    that reads a metric has `tpe`); `tpe`, from the family's own trials alone, the first `startup_trials` at random;
    `random`; or `qmc` (scrambled Sobol points; the n-th trial of a family takes the n-th point). Parameters outside the
    space are drawn at random.
    """

    @checked
    def __init__(
        self, space: Space, *, kind: SamplerKind = "gp", seed: int, startup_trials: int = STARTUP_TRIALS
    ) -> None:
        for name, value in (("seed", seed), ("startup_trials", startup_trials)):
            if value < 0:
                raise InputError(f"{name} must be 0 or more, got {value}")
        self.space = space
        self.kind: SamplerKind = kind
        self.seed = seed
        self.startup_trials = startup_trials
        self._sizes = {family: space.family_size(family) for family in space.families}
        self._digests: WeakKeyDictionary[Study, Digest] = WeakKeyDictionary()
        self._lock = threading.Lock()  # `study.optimize(n_jobs=...)` asks from several threads

    @classmethod
    @checked
    def for_schedules(
        cls,
        *,
        total_steps: int,
        families: Sequence[str] | None = None,
        ranges: Mapping[str, Any] | None = None,
        steps_per_epoch: int | None = None,
        momentum: float = 0.0,
        optimizer: str = "sgd",
        kind: SamplerKind = "gp",
        seed: int = 0,
    ) -> FamilySampler:
        """Return the sampler for your own objective that calls `suggest_schedule` with the same arguments.

        Args:
            total_steps, families, ranges, steps_per_epoch, momentum, optimizer: as `suggest_schedule` takes them.
            kind: the sampler inside a family.
            seed: 0 or more.

        Raises:
            InputError: as `suggest_schedule`, or for another kind or a negative seed.
        """
        space = SpaceArguments(total_steps, families, ranges, steps_per_epoch, momentum, optimizer).space()
        return cls(space, kind=kind, seed=seed)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self.space, self.kind, self.seed, self.startup_trials)

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
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return the family whose turn it is and a value for each of its parameters, of those in `search_space`.

        Without the family in `search_space`, as where PartialFixedSampler fixes it, the others wait for
        `sample_independent`, when it is known.
        """
        ours = self.infer_relative_search_space(study, trial)
        params = {
            name: self.sample_independent(study, trial, name, distribution)
            for name, distribution in search_space.items()
            if ours.get(name) != distribution
        }
        if FAMILY in search_space and FAMILY not in params:
            proposed = self._propose(study, trial)
            params |= {name: value for name, value in proposed.items() if ours[name] == search_space.get(name)}
        return params

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Return the value of a parameter that `sample_relative` left out.

        One of the trial's family is proposed with all others of the family; another one is drawn at random by (seed,
        name, trial number).
        """
        family = self.space.family_of(trial)
        if family is not None and self.space.distributions(family).get(param_name) == param_distribution:
            return self._propose(study, trial)[param_name]
        seed = derived_seed(self.seed, param_name, trial.number)
        return random_draw(study, trial, {param_name: param_distribution}, seed)[param_name]

    def _propose(self, study: Study, trial: FrozenTrial) -> Params:
        """Return the trial's family and its parameters, the same however often a running trial asks."""
        with self._lock:
            digest = self._digests.setdefault(study, Digest(self.space, self.seed))
            trials = study.get_trials(deepcopy=False)
            digest.absorb(trials)
            if (proposed := digest.proposed.get(trial.number)) is not None:
                return proposed
            unsettled = trials[digest.settled :]
            family, index = self._turn(digest.tally, unsettled, trial)
            pending = [
                other
                for other in unsettled
                if not other.state.is_finished() and other.number != trial.number and self.space.family_of(other)
            ]
            params = {FAMILY: family} | self._draw(digest, study, trial, family, index, pending)
            digest.proposed[trial.number] = params
            return params

    def _turn(self, tally: Tally, unsettled: Sequence[FrozenTrial], trial: FrozenTrial) -> tuple[str, int]:
        """Replay the lower-numbered trials: whose turn it is, and how many draws that family has had before."""
        replay = tally.copy()
        for other in unsettled:
            if other.number >= trial.number:
                break
            family = self.space.family_of(other)
            if family is None and not other.state.is_finished():
                family = family_in_turn(replay.given, self.seed, self._sizes)
            if family is not None:
                replay.add(self.space.key(family, known_params(other)), other)
        chosen = self.space.family_of(trial) or family_in_turn(replay.given, self.seed, self._sizes)
        return chosen, replay.next_draw(chosen, trial)

    def _draw(
        self, digest: Digest, study: Study, trial: FrozenTrial, family: str, index: int, pending: list[FrozenTrial]
    ) -> Params:
        distributions = self.space.distributions(family)
        seed = derived_seed(self.seed, family, index)
        family_pending = [other for other in pending if self.space.family_of(other) == family]
        kind = "tpe" if self.kind == "gp" and family not in digest.curves(study.direction).families else self.kind
        begins = turns(family) > 1 and index % turns(family) == 0  # once a round from the best named curve so far
        if begins and (start := digest.start_near_the_best(family, study.direction)) is not None:
            params = start
        elif kind == "qmc" or (kind == "gp" and index < STARTUP_POINTS):
            params = digest.sobol_points(family).point(index)
        elif kind == "gp":
            running = [other for other in pending if other.state == TrialState.RUNNING]
            params = digest.curves(study.direction).propose(family, index, digest.ended, running)
        elif kind == "tpe":
            running = [other for other in family_pending if other.state == TrialState.RUNNING]
            tpe = FamilyTPE(distributions, seed, self.startup_trials)
            params = digest.shadow(family, study.direction).ask(tpe, digest.finished[family], running)
        else:
            params = random_draw(study, trial, distributions, seed)
        planned = {self.space.key(family, known_params(other)) for other in family_pending}
        seeds = (derived_seed(self.seed, family, index, redraw) for redraw in range(_REDRAWS))
        redrawn = (random_draw(study, trial, distributions, seed) for seed in seeds)
        for candidate in chain([params], redrawn, self.space.configurations(family)):
            if (key := self.space.key(family, candidate)) not in planned and key not in digest.used:
                return candidate
        return params


def _rebuild(space: Space, kind: SamplerKind, seed: int, startup_trials: int) -> FamilySampler:
    return FamilySampler(space, kind=kind, seed=seed, startup_trials=startup_trials)
