"""What a running trial leaves in Optuna's tables, in one transaction for all that comes together.

Optuna makes objects of the rows that it writes, one transaction for each value; here a trial's state is read, and the
values are written over what is there, as Optuna does.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple

from optuna.distributions import BaseDistribution, distribution_to_json
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import TrialState
from sqlalchemy import (
    BindParameter,
    Connection,
    Insert,
    String,
    TableClause,
    Update,
    bindparam,
    cast,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from lrsearch.storage.database.optuna_tables import PARAMS, REPORTS, STUDIES, TRIALS, USER_ATTRIBUTES, VALUES

_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_STATES = select(TRIALS.c.trial_id, cast(TRIALS.c.state, String), TRIALS.c.number).where(TRIALS.c.trial_id.in_(_IDS))
_STATES_LOCKED = _STATES.with_for_update()
_STUDY_LOCKED = select(STUDIES.c.study_id).where(STUDIES.c.study_id == bindparam("study")).with_for_update()
_LAST = select(TRIALS.c.number).where(TRIALS.c.study_id == bindparam("study")).order_by(TRIALS.c.trial_id.desc())
_LAST_NUMBER = _LAST.limit(1)  # to count them all, as Optuna does, takes longer in a long study

# PostgreSQL takes a state's name as such where it is written out.
_NEW: dict[str, Any] = {name: bindparam(name) for name in ("study_id", "number", "datetime_start")}
_NEW_TRIAL = TRIALS.insert().values(state=literal_column("'RUNNING'"), **_NEW).returning(TRIALS.c.trial_id)


class Parameter(NamedTuple):
    """A parameter of a trial: its value as its distribution represents it."""

    name: str
    value: float
    among: BaseDistribution


class NewTrial(NamedTuple):
    """What the database has given a trial that it has just made; `start` is the time of Greenwich."""

    trial_id: int
    number: int
    start: datetime


def add_running_trial(connection: Connection, study_id: int, attributes: Mapping[str, Any]) -> NewTrial:
    """Make a trial that runs, with user attributes; its number is the next one of its study.

    Raises:
        KeyError: if there is no such study.
    """
    if connection.scalar(_STUDY_LOCKED, {"study": study_id}) is None:  # one process at a time numbers a trial
        raise KeyError(f"there is no study number {study_id} in this storage (any more)")
    last, start = connection.scalar(_LAST_NUMBER, {"study": study_id}), _now()
    number = 0 if last is None else int(last) + 1
    row = {"study_id": study_id, "number": number, "datetime_start": start}
    trial_id = int(connection.execute(_NEW_TRIAL, row).scalar_one())
    _set_attributes(connection, trial_id, attributes)
    return NewTrial(trial_id, number, start)


def write_end(
    connection: Connection, trial_id: int, state: TrialState, value: float, attributes: Mapping[str, Any]
) -> None:
    """Write the state and the value with which a trial has ended, and user attributes.

    Raises:
        UpdateFinishedTrialError: if the trial has finished before; so do the others here.
        KeyError: if there is none; so do the others here.
    """
    _require_unfinished(connection, [trial_id], locked=True)
    _set_attributes(connection, trial_id, attributes)
    kind = _kind(value)
    row = {"trial_id": trial_id, "objective": 0, "value": value if kind == "FINITE" else None, "value_type": kind}
    connection.execute(_over(connection.dialect.name, VALUES, "objective"), row)
    connection.execute(_ended(state), {"trial": trial_id, "now": _now()})


def write_parts(
    connection: Connection, trial_id: int, parameters: Sequence[Parameter], attributes: Mapping[str, Any]
) -> None:
    """Write parameters of a trial, of which one that is there is left, and user attributes."""
    _require_unfinished(connection, [trial_id])
    if parameters:
        rows = [
            {
                "trial_id": trial_id,
                "param_name": name,
                "param_value": value,
                "distribution_json": distribution_to_json(among),
            }
            for name, value, among in parameters
        ]
        connection.execute(_beside(connection.dialect.name, PARAMS), rows)
    _set_attributes(connection, trial_id, attributes)


def _set_attributes(connection: Connection, trial_id: int, attributes: Mapping[str, Any]) -> None:
    if attributes:
        rows = [{"trial_id": trial_id, "key": key, "value_json": json.dumps(attributes[key])} for key in attributes]
        connection.execute(_over(connection.dialect.name, USER_ATTRIBUTES, "key"), rows)


def write_report(connection: Connection, trial_id: int, step: int, value: float) -> None:
    """Write what a trial reports at a step."""
    _require_unfinished(connection, [trial_id])
    connection.execute(_over(connection.dialect.name, REPORTS, "step"), _report(trial_id, step, value))


def add_reports(connection: Connection, reports: Sequence[tuple[int, int, float]]) -> None:
    """Write the values that trials, by their ids, report at steps, where they have not reported yet."""
    _require_unfinished(connection, {trial_id for trial_id, _, _ in reports})
    connection.execute(_beside(connection.dialect.name, REPORTS), [_report(*one) for one in reports])


def _report(trial_id: int, step: int, value: float) -> dict[str, Any]:
    kind = _kind(value)
    stored = value if kind == "FINITE" else None
    return {"trial_id": trial_id, "step": step, "intermediate_value": stored, "intermediate_value_type": kind}


def _kind(value: float) -> str:
    """Return what Optuna calls a number: those that are not finite are stored as their kind alone."""
    return "FINITE" if math.isfinite(value) else "NAN" if math.isnan(value) else f"INF_{'POS' if value > 0 else 'NEG'}"


def _require_unfinished(connection: Connection, trial_ids: Collection[int], *, locked: bool = False) -> None:
    """Raise an error where one of some trials does not exist or has finished; a lock holds for the transaction."""
    rows = connection.execute(_STATES_LOCKED if locked else _STATES, {"ids": list(trial_ids)}).all()
    if missing := set(trial_ids) - {row[0] for row in rows}:
        raise KeyError(f"there is no trial with the id {min(missing)} in this storage")
    for _, state, number in rows:
        if TrialState[state].is_finished():
            raise UpdateFinishedTrialError(f"trial {number} has already finished and can not be updated")


def _now() -> datetime:
    """Return the time of Greenwich, as Optuna stores times."""
    return datetime.now(UTC).replace(tzinfo=None)


@cache
def _ended(state: TrialState) -> Update:
    """Return the statement that ends a trial in a state."""
    ended = update(TRIALS).where(TRIALS.c.trial_id == bindparam("trial"))
    return ended.values(state=literal_column(f"'{state.name}'"), datetime_complete=bindparam("now"))


def _insert(dialect: str, into: TableClause) -> Any:
    return (sqlite.insert if dialect == "sqlite" else postgresql.insert)(into)


@cache
def _over(dialect: str, into: TableClause, key: str) -> Insert:
    """Return the statement that writes rows over those of the same trial and key."""
    statement = _insert(dialect, into)
    values = {c.name: statement.excluded[c.name] for c in into.c if c.name not in ("trial_id", key)}
    written: Insert = statement.on_conflict_do_update(index_elements=["trial_id", key], set_=values)
    return written


@cache
def _beside(dialect: str, into: TableClause) -> Insert:
    """Return the statement that writes rows where there are none of the same trial and key."""
    written: Insert = _insert(dialect, into).on_conflict_do_nothing()
    return written
