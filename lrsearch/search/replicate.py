"""One search of a study file: its study, its seeds, and how far it goes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from optuna.study import Study

from lrsearch.experiment.experiment import Experiment, Seeds
from lrsearch.search.pruning import PruningRule, make_rule
from lrsearch.trials.history import History


@dataclass(frozen=True, eq=False)
class Replicate:
    """One of the independent searches of a study file.

    Attributes:
        experiment: what is trained.
        study: of this replicate, with a FamilySampler.
        number: from 0; the seeds are derived from it.
    """

    experiment: Experiment
    study: Study
    number: int

    @cached_property
    def history(self) -> History:
        """What the study's trials come to."""
        run = self.experiment.config.run
        return History(self.study, gives_up=run is None or run.in_process)

    @property
    def seeds(self) -> Seeds:
        """The seeds that all trials of the replicate share."""
        return Seeds.of(self.experiment.config.seed, "search", self.number)

    @property
    def total(self) -> int:
        """Finished (complete or pruned) trials to reach, those of earlier runs and of other processes included."""
        return int(min(self.experiment.config.search.trials, self.experiment.space.size))

    @property
    def rule(self) -> PruningRule:
        """The pruner's rule."""
        return make_rule(self.experiment.config.search.pruner, self.experiment.epochs)

    @property
    def rungs(self) -> list[int]:
        """The epochs after which the rule judges a trial."""
        rule = self.rule
        return [epoch for epoch in range(1, self.experiment.epochs + 1) if rule.rung(epoch) == epoch]
