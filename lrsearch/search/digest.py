"""What a study's trials come to for the sampler: whose turn it is, what was drawn, and what each family has learned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from lrsearch.experiment.space import Space, known_params
from lrsearch.experiment.space.distributions import nearest
from lrsearch.schedules import FAMILIES, Schedule, own_optimizer, reads_metric
from lrsearch.schedules.families import Spline
from lrsearch.search.family_samplers import Params, ShadowStudy, SobolPoints, derived_seed
from lrsearch.trials.history import is_copy, is_crashed, origin_of

if TYPE_CHECKING:
    from lrsearch.search.gp.curve_search import CurveSearch

FREE_FORM_TURNS = 5
"""How many trials a free form has for one of a named family: with as many it would find nothing."""


def family_in_turn(given: Mapping[str, int], seed: int, sizes: Mapping[str, float] | None = None) -> str:
    """Return the next family of the earliest round that is not complete.

    `given` counts the trials of each family, failed ones left out. Round r is a permutation of the families drawn from
    (seed, r), so K families have had their r-th trial before any has its (r + 1)-th. A family that has been given as
    many trials as `sizes` has configurations for it is left out, unless all have. A free form has its turns, of which
    there are several, after all others of the round.
    """
    families = list(given)
    left = [family for family in families if sizes is None or given[family] < sizes[family]] or families
    rounds = {family: given[family] // turns(family) for family in left}
    behind = min(rounds.values())
    order: list[int] = np.random.default_rng([seed, behind]).permutation(len(families)).tolist()
    in_order = sorted((families[i] for i in order), key=lambda family: turns(family) > 1)
    return next(family for family in in_order if rounds.get(family) == behind)


def turns(family: str) -> int:
    """Return how many turns a family has in a round."""
    return FREE_FORM_TURNS if family in FAMILIES and FAMILIES[family].free_form else 1


class Tally:
    """How often each family has had its turn."""

    def __init__(self, families: Iterable[str]) -> None:
        self.given = Counter(dict.fromkeys(families, 0))  # trials per family, failed ones left out
        self.drawn = self.given.copy()  # parameter sets per family: a failed trial that is run again counts once
        self._failed: set[tuple[Any, ...]] = set()  # not run again so far
        self._crashed: set[tuple[Any, ...]] = set()  # not run again so far
        self._incomplete: dict[int, int] = {}  # draws of trials that failed before all of it was written, by origin

    def add(self, key: tuple[Any, ...], trial: FrozenTrial) -> None:
        """Count one trial; trials are to be added by number.

        One that has crashed has had its turn; run again, after the script was mended, it has none beside that.
        """
        family, crashed = key[0], is_crashed(trial)
        failed = trial.state == TrialState.FAIL and not crashed
        if failed and None in key:
            self._incomplete.setdefault(origin_of(trial), self.drawn[family])
        if key not in self._crashed:
            self.given[family] += not failed
            again = key in self._failed or (is_copy(trial) and origin_of(trial) in self._incomplete)
            self.drawn[family] += not again
        elif not failed:
            self._crashed.discard(key)
        if crashed:
            self._crashed.add(key)
        if failed and None not in key:
            self._failed.add(key)
        else:
            self._failed.discard(key)

    def next_draw(self, family: str, trial: FrozenTrial) -> int:
        """Return which draw of a family is a trial's, from 0: the next, or that of the trial which it completes."""
        return self._incomplete.get(origin_of(trial), self.drawn[family])

    def copy(self) -> Tally:
        """Return a tally that counts on from here by itself."""
        other = Tally(())
        other.given, other.drawn = self.given.copy(), self.drawn.copy()
        other._failed, other._crashed = self._failed.copy(), self._crashed.copy()
        other._incomplete = self._incomplete.copy()
        return other


class Digest:
    """What a study's finished trials come to, kept so that a trial costs the same in a long study as in a short one."""

    def __init__(self, space: Space, seed: int) -> None:
        self._space = space
        self._seed = seed
        self.settled = 0  # all trials with a lower number are finished, and are in the tally
        self.tally = Tally(space.families)
        self.used: set[tuple[Any, ...]] = set()
        # In the order in which they ended, which the storage keeps: it only grows, and is the same after a restart.
        self.finished: dict[str, list[FrozenTrial]] = {family: [] for family in space.families}
        self.ended: list[FrozenTrial] = []  # of all families
        self.proposed: dict[int, Params] = {}  # by the number of a trial that has not finished
        self._absorbed: set[int] = set()
        self._shadows: dict[str, ShadowStudy] = {}
        self._points: dict[str, SobolPoints] = {}
        self._curves: CurveSearch | None = None

    def absorb(self, trials: Sequence[FrozenTrial]) -> None:
        """Take in the trials (all of the study's, by number) that have finished since the last call."""
        fresh = [t for t in trials[self.settled :] if t.state.is_finished() and t.number not in self._absorbed]
        for trial in sorted(fresh, key=lambda t: (t.datetime_complete, t.number)):
            self._absorbed.add(trial.number)
            self.proposed.pop(trial.number, None)
            family = self._space.family_of(trial)
            if family is not None:
                self.used.add(self._space.key(family, trial.params))
                if trial.state != TrialState.FAIL:
                    self.finished[family].append(trial)
                    self.ended.append(trial)
        while self.settled in self._absorbed:
            trial = trials[self.settled]
            family = self._space.family_of(trial)
            if family is not None:
                key = self._space.key(family, known_params(trial))
                self.tally.add(key, trial)
            self._absorbed.remove(self.settled)
            self.settled += 1

    def shadow(self, family: str, direction: StudyDirection) -> ShadowStudy:
        """Return the shadow study of a family."""
        if family not in self._shadows:
            self._shadows[family] = ShadowStudy(self._space.distributions(family), direction)
        return self._shadows[family]

    def sobol_points(self, family: str) -> SobolPoints:
        """Return the Sobol points of a family."""
        if family not in self._points:
            seed = derived_seed(self._seed, family)
            self._points[family] = SobolPoints(self._space.distributions(family), seed)
        return self._points[family]

    def start_near_the_best(self, family: str, direction: StudyDirection) -> Params | None:
        """Return the parameters of a free form that come nearest to the best named curve so far.

        None before there is one, and where the free form has had these. A family with an optimizer of its own is not
        asked: its rates are for that.
        """
        sign = 1 if direction == StudyDirection.MINIMIZE else -1
        named = [
            trial
            for other, trials in self.finished.items()
            if turns(other) == 1 and not reads_metric(other) and not own_optimizer(other)
            for trial in trials
            if trial.state == TrialState.COMPLETE and trial.value is not None
        ]
        if not named:
            return None
        best = min(named, key=lambda trial: (sign * (trial.value or 0.0), trial.number))
        schedule = self._space.schedule(best.params)
        assert isinstance(schedule, Schedule)
        near: Params = {**best.params, **Spline.sample_near(schedule)}
        start = {name: nearest(kind, near[name]) for name, kind in self._space.distributions(family).items()}
        return None if self._space.key(family, start) in self.used else start

    def curves(self, direction: StudyDirection) -> CurveSearch:
        """Return the search that all families share whose curve is known before training."""
        if self._curves is None:
            from lrsearch.search.gp.curve_search import CurveSearch  # imports SciPy, which other samplers do not need

            self._curves = CurveSearch(self._space, seed=self._seed, direction=direction)
        return self._curves
