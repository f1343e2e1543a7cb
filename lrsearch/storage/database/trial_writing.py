"""What a running trial leaves in Optuna's tables, in one transaction for all that comes together.

Optuna makes objects of the rows that it writes, one transaction for each value; here a trial's state is read, and the
values are written over what is there, as Optuna does.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from optuna.distributions import BaseDistribution, distribution_to_json
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import TrialState
from sqlalchemy import Connection, Insert, String, TableClause, bindparam, cast, select
from sqlalchemy.dialects import postgresql, sqlite

from lrsearch.storage.database.optuna_tables import PARAMS, REPORTS, TRIALS, USER_ATTRIBUTES

_STATE = select(cast(TRIALS.c.state, String), TRIALS.c.number).where(TRIALS.c.trial_id == bindparam("trial_id"))


def write_attributes(connection: Connection, trial_id: int, attributes: Mapping[str, Any]) -> None:
    """Write user attributes of a trial.

    Raises:
        UpdateFinishedTrialError: if the trial has finished; so do the others here.
        KeyError: if there is none; so do the others here.
    """
    _require_unfinished(connection, trial_id)
    rows = [{"trial_id": trial_id, "key": key, "value_json": json.dumps(value)} for key, value in attributes.items()]
    connection.execute(_over(connection.dialect.name, USER_ATTRIBUTES, "key"), rows)


def write_report(connection: Connection, trial_id: int, step: int, value: float) -> None:
    """Write what a trial reports at a step."""
    _require_unfinished(connection, trial_id)
    connection.execute(_over(connection.dialect.name, REPORTS, "step"), _report(trial_id, step, value))


def add_reports(connection: Connection, reports: Sequence[tuple[int, int, float]]) -> None:
    """Write the values that trials, by their ids, report at steps, where they have not reported yet."""
    for trial_id in {trial_id for trial_id, _, _ in reports}:
        _require_unfinished(connection, trial_id)
    connection.execute(_beside(connection.dialect.name, REPORTS), [_report(*one) for one in reports])


def _report(trial_id: int, step: int, value: float) -> dict[str, Any]:
    kind = "FINITE" if math.isfinite(value) else "NAN" if math.isnan(value) else f"INF_{'POS' if value > 0 else 'NEG'}"
    stored = value if kind == "FINITE" else None
    return {"trial_id": trial_id, "step": step, "intermediate_value": stored, "intermediate_value_type": kind}


def write_parameter(connection: Connection, trial_id: int, name: str, value: float, among: BaseDistribution) -> None:
    """Write a parameter of a trial, as its distribution represents it; one that is there is left."""
    _require_unfinished(connection, trial_id)
    row = {"trial_id": trial_id, "param_name": name, "param_value": value}
    row["distribution_json"] = distribution_to_json(among)
    connection.execute(_beside(connection.dialect.name, PARAMS), row)


def _require_unfinished(connection: Connection, trial_id: int) -> None:
    row = connection.execute(_STATE, {"trial_id": trial_id}).one_or_none()
    if row is None:
        raise KeyError(f"there is no trial with the id {trial_id} in this storage")
    state, number = row
    if TrialState[state].is_finished():
        raise UpdateFinishedTrialError(f"trial {number} has already finished and can not be updated")


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
