"""A stored study as one frozen value: what every reader takes, from any storage."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

from optuna.storages import BaseStorage
from optuna.study import Study

from lrsearch.config import StudyConfig
from lrsearch.errors import AllDiverged, InputError
from lrsearch.metric import Metric
from lrsearch.names import audit_name, base_name, budget_names, confirmation_name, search_names, without_budget
from lrsearch.passwords import redacted
from lrsearch.records import TrialRecord
from lrsearch.storage.database.address import open_existing
from lrsearch.storage.study import load_study, storage_of, stored_names
from lrsearch.storage.study_part import StudyPart


@dataclass(frozen=True, eq=False)
class StoredStudy:
    """Everything that a storage holds under one name.

    Attributes:
        name: what a user types, `NAME` of `NAME/search-00`, `NAME/confirm` and `NAME/audit`.
        searches: one a replicate; none where fixed schedules alone were confirmed.
        confirmation: of the searches' winners and of the fixed schedules, or None.
        audit: of the pruned trials, or None.
        address: of the storage, without a password.
    """

    name: str
    searches: tuple[StudyPart, ...] = ()
    confirmation: StudyPart | None = None
    audit: StudyPart | None = None
    address: str = ""

    @classmethod
    def read(cls, storage: BaseStorage, name: str | None = None, *, address: str = "") -> StoredStudy:
        """Read the study `name`, or the only one of the storage if `name` is None.

        Args:
            storage: from `open_existing` or `open_storage`.
            name: of the study or of any of its parts; all its parts are read.
            address: of the storage.

        Raises:
            InputError: if there is no such study, several of which one must be named, or a part of it was not made by
                lrsearch.
        """
        names = stored_names(storage)
        base = resolve_name(names, name)

        def part(name: str) -> StudyPart | None:
            return StudyPart.of(load_study(storage, name)) if name in names else None

        searches = (part(name) for name in search_names(names, base))
        return cls(
            base,
            tuple(search for search in searches if search is not None),
            part(confirmation_name(base)),
            part(audit_name(base)),
            redacted(address),
        )

    @classmethod
    def open(cls, url: str, name: str | None = None) -> StoredStudy:
        """Open a storage to read the study `name`, as `read`."""
        return cls.read(open_existing(url), name, address=url)

    @classmethod
    def of(cls, study: Study) -> StoredStudy:
        """Read the whole study of which `study` is a part, as `read`."""
        storage, address = storage_of(study)
        return cls.read(storage, study.study_name, address=address)

    def only(self, name: str | None) -> StoredStudy:
        """Return the study with the search `name` alone of its searches; all of them where that is the study's name."""
        if name in (None, self.name):
            return self
        return replace(self, searches=tuple(search for search in self.searches if search.name == name))

    @property
    def parts(self) -> tuple[StudyPart, ...]:
        """The parts that it has: searches, confirmation, audit."""
        return (*self.searches, *(part for part in (self.confirmation, self.audit) if part is not None))

    @property
    def first(self) -> StudyPart:
        """The part that speaks for the study: its confirmation, or else its first search."""
        return self.confirmation or self.parts[0]

    @property
    def config(self) -> StudyConfig:
        """The study file, with the `[search]` table that the search was run with: flags may have changed it since."""
        config = self.first.config
        return config.model_copy(update={"search": self.searches[0].config.search}) if self.searches else config

    @property
    def metric(self) -> Metric:
        """What was measured, and how people read it."""
        return self.first.metric

    @property
    def searched_space(self) -> dict[str, dict[str, dict[str, Any]]]:
        """What was searched: {family: {parameter: {low, high, log} or {choices}}}; empty where nothing was."""
        space = self.searches[0].attributes.space if self.searches else None
        return {} if space is None else space.model_dump()["families"]

    @property
    def trials(self) -> tuple[TrialRecord, ...]:
        """The trials of all searches."""
        return tuple(record for search in self.searches for record in search.records)

    @property
    def all_diverged(self) -> bool:
        """Whether it has finished trials, and none of them was trained to its end without diverging."""
        return any(trial.finished for trial in self.trials) and not any(trial.scored for trial in self.trials)

    @property
    def nothing_to_confirm(self) -> bool:
        """Whether it is not confirmed and cannot be: every trial has diverged, and there is no [[baseline]]."""
        return self.confirmation is None and self.all_diverged and not self.config.baseline

    @property
    def added_by_hand(self) -> tuple[str, ...]:
        """A line for the confirmation and for the audit where trials were added by hand."""
        return tuple(line for part in self.parts if (line := part.added_by_hand))

    def confirmed(self) -> StudyPart:
        """Return the confirmation.

        Raises:
            InputError: if there is none.
            AllDiverged: if there can be none, as every trial has diverged and there is no [[baseline]].
        """
        if self.nothing_to_confirm:
            raise AllDiverged.of(self.name)
        if self.confirmation is None:
            raise InputError(f"{self.name!r} has not been confirmed: run lrsearch confirm first")
        return self.confirmation

    def ranked(self, family: str | None = None) -> list[tuple[StudyPart, TrialRecord]]:
        """Return the scored trials of the searches with their part, the best first: of a family, or of all."""
        complete = [
            (-search.metric.sign * (record.value or 0.0), place, record.number, search, record)
            for place, search in enumerate(self.searches)
            for record in search.scored
            if family in (None, record.family)
        ]
        return [(search, record) for *_, search, record in sorted(complete, key=lambda row: row[:3])]

    def best_by_family(self) -> dict[str, tuple[StudyPart, TrialRecord]]:
        """Return the best complete trial of each family in the searches, the best family first."""
        best: dict[str, tuple[StudyPart, TrialRecord]] = {}
        for search, record in self.ranked():
            best.setdefault(record.family, (search, record))
        return best

    def ranked_candidates(self, family: str | None = None) -> list[tuple[StudyPart, TrialRecord]]:
        """Return the confirmed candidates by their mean over blocks, the best first, each as its first scored run.

        Controls are left out, and one of which a run diverged comes after all those of which none did.
        """
        if self.confirmation is None:
            return []
        part, runs = self.confirmation, dict[str, list[TrialRecord]]()
        for run in part.scored:
            if run.confirmed and family in (None, run.family) and run.family not in part.attributes.controls:
                runs.setdefault(run.family, []).append(run)
        diverged = {run.family for run in part.runs if run.without_score}
        means = {name: fmean(run.value or 0.0 for run in of_name) for name, of_name in runs.items()}
        order = sorted(runs, key=lambda name: (name in diverged, -part.metric.sign * means[name]))
        return [(part, runs[name][0]) for name in order]


def studies_by_budget(storage: BaseStorage, name: str | None = None) -> dict[int, StoredStudy]:
    """Return {epochs: study} of the experiment `name` at its epoch budgets, or its one study.

    Raises:
        InputError: as `StoredStudy.read`.
    """
    names = stored_names(storage)
    experiments = {without_budget(base_name(other)) for other in names}
    experiment = experiments.pop() if name is None and len(experiments) == 1 else name
    budgets = {} if experiment is None or experiment in names else budget_names(names, experiment)
    if budgets:
        return {epochs: StoredStudy.read(storage, budget) for epochs, budget in budgets.items()}
    study = StoredStudy.read(storage, name)
    return {study.config.epochs: study}


def resolve_name(names: Iterable[str], name: str | None) -> str:
    """Return the base name of the study that a user means: `name` or a part of it, or the only one of a storage.

    Args:
        names: of the storage's studies.
        name: as typed; None for the only one.

    Raises:
        InputError: if there is no such study, or there are several and none is named.
    """
    names = sorted(names)
    bases = sorted({base_name(other) for other in names})
    if name is None:
        if len(bases) != 1:
            given = ", ".join(bases) or "there are none"
            raise InputError(f"name one of the storage's studies with --study-name: {given}")
        return bases[0]
    if name in names:
        return base_name(name)
    if name in bases:
        return name
    raise InputError(f"there is no study {name!r} in this storage; there are: {', '.join(names) or 'none'}")
