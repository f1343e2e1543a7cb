"""What a storage holds, as tables: trials and studies, of one family, state or replicate where asked."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from lrsearch.config import StudyConfig
from lrsearch.errors import InputError
from lrsearch.metric import Metric
from lrsearch.names import audit_name, confirmation_name, is_confirmation, is_search, replicate_of, search_names
from lrsearch.storage import (
    STATES,
    Storage,
    StoredStudy,
    StudyHead,
    StudyPart,
    TrialCount,
    TrialFilter,
    TrialLine,
    count_trials,
    load_study,
    newest_trials,
    resolve_name,
    stored_names,
    study_heads,
)
from lrsearch.tables import Column, Table, table


@dataclass(frozen=True)
class TrialList:
    """A table of trials, and the number of all that were asked for."""

    table: Table
    total: int


def list_trials(
    storage: Storage, name: str | None = None, wanted: TrialFilter = TrialFilter(), *, most: int | None = None
) -> TrialList:
    """Return a row per trial of a search with all its replicates, or of a confirmation or an audit.

    Args:
        storage: where.
        name: the study's; the storage's only one if None.
        wanted: which trials.
        most: the newest of them alone; None for all.

    Raises:
        InputError: if there is no such study, or it can have no such trials.
    """
    studies = _parts(stored_names(storage), name)
    counts = [count for count in count_trials(storage) if count.study in studies]
    wanted.require_possible(studies, (count.family for count in counts))
    total = sum(count.count for count in _of(counts, wanted))
    failed = {study: _failed_runs(storage, study) for study in studies if is_confirmation(study)}
    metrics = {head.name: head.metric for head in study_heads(storage)}
    lines = newest_trials(storage, studies, wanted, most)
    value = metrics[studies[0]].stored_column("value")
    confirmed = (Column("failed", optional=True), Column("block", optional=True))
    others = ("epochs", "seconds", "stop reason", *confirmed, "parameters")
    columns = ("number", "replicate", "state", "family", value, *others)
    rows = (_trial_row(line, failed.get(line.study), metrics[line.study]) for line in lines)
    return TrialList(table(columns, rows), total)


def crashed_table(study: StoredStudy) -> Table:
    """Return a row for each trial that has crashed: its error, and the end of what it wrote."""
    rows = [
        (part.name, record.number, record.family, record.error, record.output.rstrip())
        for part in study.parts
        for record in part.records
        if record.stop_reason == "crashed"
    ]
    return table(("study", "number", "family", "error", "output"), rows)


def _failed_runs(storage: Storage, confirmation: str) -> dict[int, str]:
    """Return {number: reason} of the runs of a confirmation that failed."""
    from lrsearch.verdict.confirmation_plan import failed_runs  # imports SciPy, which lists of searches do not need

    return failed_runs(StudyPart.of(load_study(storage, confirmation)))


def _of(counts: Iterable[TrialCount], wanted: TrialFilter) -> list[TrialCount]:
    return [count for count in counts if wanted.takes(count.study, count.state, count.family)]


def _trial_row(line: TrialLine, failed: Mapping[int, str] | None, metric: Metric) -> tuple[Any, ...]:
    """Return the row of a trial; `failed` says why runs of a confirmation failed, and in a search the diverged did."""
    diverged = "diverged" if line.stop_reason == "diverged" else None
    return (
        line.number,
        replicate_of(line.study),
        line.state,
        line.family,
        metric.stored(line.value),
        line.epochs,
        line.seconds,
        line.stop_reason,
        diverged if failed is None else failed.get(line.number),
        line.block,
        dict(line.parameters),
    )


def study_table(storage: Storage, wanted: TrialFilter = TrialFilter()) -> Table:
    """Return a row per study of a storage; where trials are asked for, of those that have some, and of these alone.

    Raises:
        InputError: if no study can have such trials.
    """
    heads, counts = study_heads(storage), count_trials(storage)
    wanted.require_possible((head.name for head in heads), (count.family for count in counts))
    by_study = defaultdict[str, list[TrialCount]](list)
    for count in _of(counts, wanted):
        by_study[count.study].append(count)
    rows = (
        _study_row(head, by_study[head.name])
        for head in heads
        if wanted.takes_study(head.name) and (by_study[head.name] or not wanted.of_trials)
    )
    return table(("study", "kind", *STATES, "best", "dataset"), rows)


def _study_row(head: StudyHead, counts: list[TrialCount]) -> tuple[Any, ...]:
    name, states = head.name, Counter[str]()
    for count in counts:
        states[count.state] += count.count
    metric = head.metric
    bests = [best for count in counts if (best := count.greatest if metric.maximize else count.least) is not None]
    kind = "search" if is_search(name) else "confirmation" if is_confirmation(name) else "audit"
    best = metric.stored(metric.best(bests))
    return (name, kind, *(states[state] for state in STATES), best, _trained_on(head.study_file))


def _trained_on(study_file: Any) -> str:
    """Return the data of a study; "" where its study file is of another version or of other people."""
    with suppress(InputError):
        return StudyConfig.from_dict(study_file).data_name if isinstance(study_file, dict) else ""
    return ""


def _parts(names: list[str], name: str | None) -> list[str]:
    """Return the study of this very name, or all replicates of the search that it stands for."""
    base = resolve_name(names, name)
    if name in names:
        return [name]
    others = (confirmation_name(base), audit_name(base))
    return search_names(names, base) or [other for other in others if other in names][:1]
