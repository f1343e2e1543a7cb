"""Several confirmed studies side by side, such as one a workload: what is recommended often, and what they agree on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np

from lrsearch.comparison import Comparison
from lrsearch.errors import InputError
from lrsearch.names import base_name
from lrsearch.records import mean_and_sd
from lrsearch.storage import Storage, StoredStudy
from lrsearch.tables import Column, Table, table
from lrsearch.text import counted
from lrsearch.verdict.study_verdict import judge_study


@dataclass(frozen=True)
class Standing:
    """One candidate over the studies.

    Attributes:
        candidate: its name.
        studies: in how many it was confirmed.
        recommended: in how many of them it is recommended.
        mean_rank: of its mean score among the candidates that all studies have, 1 being the best and one with a failed
            run the last; None where some study lacks it.
        rank_sd: over the studies; None where there is no mean rank.
    """

    candidate: str
    studies: int
    recommended: int
    mean_rank: float | None
    rank_sd: float | None


@dataclass(frozen=True)
class PairOverStudies:
    """Two candidates over the studies that tested both: in which of them the first is separated as better or worse."""

    first: str
    second: str
    better: tuple[str, ...]
    worse: tuple[str, ...]
    undecided: tuple[str, ...]

    @property
    def outcome(self) -> str:
        """Alike: decided in one direction by two studies or more; opposite; one study only; undecided."""
        if self.better and self.worse:
            return "opposite"
        decided = len(self.better) + len(self.worse)
        return "alike" if decided > 1 else "one study only" if decided else "undecided"


@dataclass(frozen=True)
class OverStudies:
    """What several studies say together; nothing is pooled, as each has its own metric and workload."""

    studies: tuple[str, ...]
    standings: tuple[Standing, ...]
    pairs: tuple[PairOverStudies, ...]

    def count(self, outcome: str) -> int:
        """Return how many pairs have an outcome."""
        return sum(pair.outcome == outcome for pair in self.pairs)

    @property
    def sentences(self) -> tuple[str, ...]:
        """What is agreed on, and each pair that was decided in opposite directions."""
        studies = f"{counted(len(self.studies), 'study')} ({', '.join(self.studies)})"
        total = (
            f"{counted(len(self.pairs), 'pair')} over {studies}: "
            f"{self.count('alike')} decided alike in two or more, {self.count('opposite')} in opposite directions, "
            f"{self.count('one study only')} in one study only, {self.count('undecided')} in none."
        )
        opposite = (
            f"{pair.first} is better than {pair.second} in {', '.join(pair.better)} and worse in "
            f"{', '.join(pair.worse)}."
            for pair in self.pairs
            if pair.outcome == "opposite"
        )
        return (total, *opposite)

    def table(self) -> Table:
        """Return a row per candidate, the most often recommended first."""
        columns = (
            Column("candidate"),
            Column("studies"),
            Column("recommended", "recommended in"),
            Column("mean rank", decimals=2),
            Column("rank SD", "SD over studies", decimals=2),
        )
        return table(columns, [tuple(vars(standing).values()) for standing in self.standings])

    def pair_table(self) -> Table:
        """Return a row per pair with the studies that decided it."""
        columns = ("pair", "outcome", "first better in", "second better in", "undecided in")
        rows = [
            (
                f"{pair.first} - {pair.second}",
                pair.outcome,
                *(", ".join(names) or None for names in (pair.better, pair.worse, pair.undecided)),
            )
            for pair in self.pairs
        ]
        return table(columns, rows)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data."""
        outcomes = ("alike", "opposite", "one study only", "undecided")
        return {
            "studies": list(self.studies),
            "candidates": [asdict(standing) for standing in self.standings],
            "pairs": [asdict(pair) | {"outcome": pair.outcome} for pair in self.pairs],
            "counts": {outcome.replace(" ", "_"): self.count(outcome) for outcome in outcomes},
            "sentences": list(self.sentences),
        }


def read_over_studies(storage: Storage, names: tuple[str, ...]) -> OverStudies:
    """Return what the studies of these names in a storage say together.

    Raises:
        InputError: fewer than two names, one twice, or a study that has no verdict.
    """
    if len(names) < 2 or len({base_name(name) for name in names}) < len(names):  # one/confirm is one, too
        raise InputError(f"studies must name two or more, each once, got {', '.join(names)}")
    return over_studies({name: judge_study(StoredStudy.read(storage, name)) for name in names})


def over_studies(comparisons: Mapping[str, Comparison]) -> OverStudies:
    """Return what the comparisons of several studies, by their names, say together.

    Raises:
        InputError: if they have no two candidates in common.
    """
    names = list(dict.fromkeys(name for compared in comparisons.values() for name in compared.families))
    shared = [name for name in names if all(name in compared.families for compared in comparisons.values())]
    if len(shared) < 2:
        raise InputError(f"studies must have two candidates in common, but {', '.join(comparisons)} have {len(shared)}")
    ranks = [_ranks(compared, shared) for compared in comparisons.values()]
    standings = [_standing(name, comparisons, [rank[name] for rank in ranks if name in rank]) for name in names]
    standings.sort(key=lambda s: (-s.recommended / s.studies, np.inf if s.mean_rank is None else s.mean_rank))
    pairs = (_pair(first, second, comparisons) for first, second in combinations(names, 2))
    tested = tuple(pair for pair in pairs if pair.better or pair.worse or pair.undecided)
    return OverStudies(tuple(comparisons), tuple(standings), tested)


def _ranks(compared: Comparison, shared: list[str]) -> dict[str, int]:
    """Return the rank of each of the `shared` candidates by its mean, those with a failed run last."""
    failed = {failure.family for failure in compared.failures}
    order = [compared.families[place] for place in compared.best_first]
    ranked = sorted((name for name in order if name in shared), key=lambda name: name in failed)
    return {name: rank for rank, name in enumerate(ranked, start=1)}


def _standing(name: str, comparisons: Mapping[str, Comparison], ranks: list[int]) -> Standing:
    having = [compared for compared in comparisons.values() if name in compared.families]
    mean, sd = mean_and_sd(ranks) if ranks else (None, None)
    return Standing(name, len(having), sum(name in compared.recommended for compared in having), mean, sd)


def _pair(first: str, second: str, comparisons: Mapping[str, Comparison]) -> PairOverStudies:
    studies: dict[str, list[str]] = {"better": [], "worse": [], "undecided": []}
    for study, compared in comparisons.items():
        if first not in compared.families or second not in compared.families:
            continue
        place = (compared.families.index(first), compared.families.index(second))
        p, difference = float(compared.p[place]), float(compared.pairs.difference[place])
        if np.isfinite(p):
            decided = "better" if difference > 0 else "worse"
            studies[decided if p <= compared.settings.alpha else "undecided"].append(study)
    return PairOverStudies(first, second, *map(tuple, studies.values()))
