"""What a storage holds, as rows: trials and studies, of one family, state or replicate where asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from lrsearch.config import StudyConfig
from lrsearch.errors import InputError
from lrsearch.names import audit_name, confirmation_name, is_confirmation, is_search, replicate_of, search_names
from lrsearch.records import TrialRecord
from lrsearch.schedules import FAMILIES
from lrsearch.storage import Storage, StudyPart, load_study, records, resolve_name, stored_names
from lrsearch.text import did_you_mean
from lrsearch.verdict.confirmation_plan import failed_runs

Row = dict[str, Any]
STATES = ("complete", "pruned", "running", "waiting", "fail")


@dataclass(frozen=True)
class Wanted:
    """Which trials are asked for; None is any.

    Attributes:
        family: a schedule family, or the name of an entry of a confirmation.
        state: one of STATES.
        replicate: the number of an independent search; a search that has only one is replicate 0.
    """

    family: str | None = None
    state: str | None = None
    replicate: int | None = None

    def of(self, found: Iterable[TrialRecord]) -> list[TrialRecord]:
        """Return the records of the family and in the state that are asked for."""
        return [r for r in found if self.family in (None, r.family) and self.state in (None, r.state)]

    def check(self, found: dict[str, list[TrialRecord]]) -> None:
        """Raise InputError where a name is asked for that nothing in {study: its records} could have."""
        families = dict.fromkeys([*(r.family for own in found.values() for r in own if r.family), *FAMILIES])
        if self.family is not None and self.family not in families:
            raise InputError(f"there is no family {self.family!r} here{did_you_mean(self.family, families)}")
        if self.state is not None and self.state not in STATES:
            raise InputError(f"state must be one of {', '.join(STATES)}, got {self.state!r}")
        replicates = sorted({number for name in found if (number := replicate_of(name)) is not None})
        if self.replicate is not None and self.replicate not in replicates:
            there = ", ".join(map(str, replicates)) or "none, because only searches are replicated"
            raise InputError(f"replicate must be one that is there ({there}), got {self.replicate}")


def trial_rows(storage: Storage, name: str | None = None, wanted: Wanted = Wanted()) -> list[Row]:
    """Return a row per trial of a search with all its replicates, or of a confirmation or an audit.

    Args:
        storage: where.
        name: the study's; the storage's only one if None.
        wanted: which trials.

    Raises:
        InputError: if there is no such study, or it can have no such trials.
    """
    found = {listed: records(load_study(storage, listed)) for listed in _listed(stored_names(storage), name)}
    wanted.check(found)
    failed = {study: _failed(storage, study, own) for study, own in found.items()}
    return [
        {
            "number": r.number,
            "replicate": replicate_of(study),
            "state": r.state,
            "family": r.family,
            "value": r.value,
            "epochs": len(r.reported),
            "seconds": r.seconds,
            "stop reason": r.stop_reason,
            "failed": failed[study].get(r.number),
            "block": r.block,
            "parameters": own_parameters(r) if r.params else dict(r.schedule),
        }
        for study, own in found.items()
        if wanted.replicate in (None, replicate_of(study))
        for r in wanted.of(own)
    ]


def _failed(storage: Storage, name: str, found: Sequence[TrialRecord]) -> dict[int, str]:
    """Return {number: reason} of the trials that failed; in a search these are the ones that diverged."""
    if is_confirmation(name):
        return failed_runs(StudyPart.of(load_study(storage, name)))
    return {record.number: "diverged" for record in found if record.stop_reason == "diverged"}


def own_parameters(record: TrialRecord) -> Row:
    """Return what was sampled, the family left out."""
    return {name: value for name, value in record.params.items() if name != "family"}


def study_rows(storage: Storage, wanted: Wanted = Wanted()) -> list[Row]:
    """Return a row per study of a storage; where trials are asked for, of those that have some, and of these alone.

    Raises:
        InputError: if no study can have such trials.
    """
    studies = [load_study(storage, name) for name in stored_names(storage)]
    found = {study.study_name: records(study) for study in studies}
    wanted.check(found)
    return [
        _study_row(study, own)
        for study in studies
        if wanted.replicate in (None, replicate_of(study.study_name))
        if (own := wanted.of(found[study.study_name])) or (wanted.family is None and wanted.state is None)
    ]


def _study_row(study: Any, found: list[TrialRecord]) -> Row:
    name, stored = study.study_name, study.user_attrs.get("study_file")
    states = [record.state for record in found]
    trained_on = ""
    if isinstance(stored, dict):
        with suppress(InputError):  # of another version, or of other people: listed all the same
            trained_on = StudyConfig.from_dict(stored).data_name
    best = min if study.directions[0].name == "MINIMIZE" else max
    return {
        "study": name,
        "kind": "search" if is_search(name) else "confirmation" if is_confirmation(name) else "audit",
        **{state: states.count(state) for state in STATES},
        "best": best((r.value for r in found if r.value is not None), default=None),
        "dataset": trained_on,
    }


def _listed(names: list[str], name: str | None) -> list[str]:
    """Return the study of this very name, or all replicates of the search that it stands for."""
    base = resolve_name(names, name)
    if name in names:
        return [name]
    parts = (confirmation_name(base), audit_name(base))
    return search_names(names, base) or [part for part in parts if part in names][:1]
