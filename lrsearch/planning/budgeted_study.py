"""A study that fits into its time: how large it is, what it takes, and what it detects."""

from __future__ import annotations

from dataclasses import dataclass

from lrsearch.config import StudyConfig
from lrsearch.planning.noise import AssumedNoise
from lrsearch.planning.timing import Timing
from lrsearch.text import counted, time_in_words

POWER = 0.8
"""With which a difference counts as detectable."""


@dataclass(frozen=True)
class BudgetedStudy:
    """A study that fits into its time.

    Attributes:
        config: the study, with the families, trials, epochs and blocks that the time holds.
        timing: of one trial.
        search_seconds, confirm_seconds: what they take at most, about.
        detectable: the difference that is detected with probability 0.8, in the unit of `noise`.
        power_at_rope: the probability of detecting a difference as large as the ROPE; None where either is unknown.
        noise: what was assumed.
        reductions: what is less than the study file says, in words.
    """

    config: StudyConfig
    timing: Timing
    search_seconds: float
    confirm_seconds: float
    detectable: float
    power_at_rope: float | None
    noise: AssumedNoise
    reductions: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """What it takes in all, about."""
        return self.search_seconds + self.confirm_seconds

    @property
    def runs(self) -> int:
        """How many trials and runs it has."""
        config, blocks = self.config, replicated(self.config, self.config.plan.blocks)
        searched = config.search.trials * config.search.replicates if searches(config) else 0
        return searched + blocks * len(candidates(config))

    @property
    def sizes(self) -> str:
        """How large it is, in words."""
        return sizes_of(self.config)

    @property
    def sentence(self) -> str:
        """What it will do, how long that takes, and what it can detect."""
        processes = "process" if self.timing.workers == 1 else "processes"
        at_once = f"on {self.timing.workers} {processes}"
        if (run := self.config.run) is not None:
            hours = self.runs * run.gpus * self.timing.run_seconds(self.config.epochs) / 3600
            at_once = f"with {self.timing.workers} at a time" + (f", {hours:.1f} GPU-hours" if run.gpus else "")
        return (
            f"{self.sizes}: {counted(self.runs, 'run')}, about {time_in_words(self.seconds)} {at_once}; differences "
            f"above {self.detectable:.2g} {self.noise.unit} will be seen with power {POWER:g} ({self.noise.source})"
        )


def sizes_of(config: StudyConfig) -> str:
    """Return how large a study is: 13 families x 8 trials x 30 epochs, then 12 seeds."""
    columns, blocks = len(candidates(config)), config.plan.blocks
    if not searches(config):
        return f"{counted(columns, 'fixed schedule')} x {counted(replicated(config, blocks), 'seed')}"
    families, replicates = len(config.search.families), config.search.replicates
    epochs = counted(config.epochs, "epoch" if config.run is None else "report")
    trials = counted(config.search.trials // families, "trial")
    searched = f"{counted(families, 'family')} x {trials} x {epochs}"
    if replicates > 1:
        return f"{replicates} searches of {searched}, then a run of each winner"
    fixed = f" of the winners and {counted(len(config.baseline), 'fixed schedule')}" if config.baseline else ""
    return f"{searched}, then {counted(blocks, 'seed')}{fixed}"


def searches(config: StudyConfig) -> bool:
    """Return whether a study searches; one of all training data compares fixed schedules alone."""
    return config.data.train != "all"


def candidates(config: StudyConfig) -> list[str]:
    """Return the names of what its confirmation compares: the searched families, then the fixed schedules."""
    searched = config.search.families if searches(config) else ()
    return [*searched, *(baseline.name for baseline in config.baseline)]


def replicated(config: StudyConfig, blocks: int) -> int:
    """Return how many blocks it confirms, which are its replicates where it has several."""
    return config.search.replicates if searches(config) and config.search.replicates > 1 else blocks
