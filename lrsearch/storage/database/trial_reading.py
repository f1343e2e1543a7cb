"""Whole trials from Optuna's tables: those that have changed, in a time that does not depend on the number of all.

Optuna makes an object of every row and reads the whole study every time; here rows are selected by the
trials that are asked for.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import BindParameter, Connection, Select, String, TableClause, bindparam, cast, select

from lrsearch.storage.database.optuna_tables import (
    PARAMS,
    REPORTS,
    STUDIES,
    SYSTEM_ATTRIBUTES,
    TRIALS,
    USER_ATTRIBUTES,
    VALUES,
    distribution_of,
)

T = TypeVar("T")
_AT_ONCE = 500
_NOT_FINITE = {"INF_POS": math.inf, "INF_NEG": -math.inf, "NAN": math.nan}
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_TRIALS = select(
    TRIALS.c.trial_id,
    TRIALS.c.number,
    cast(TRIALS.c.state, String),
    TRIALS.c.datetime_start,
    TRIALS.c.datetime_complete,
)
_OURS = _TRIALS.where(TRIALS.c.study_id == bindparam("study"))
_LATER, _NAMED = _OURS.where(TRIALS.c.trial_id > bindparam("after")), _OURS.where(TRIALS.c.trial_id.in_(_IDS))
_ONE = _TRIALS.where(TRIALS.c.trial_id == bindparam("trial"))
_STUDY = select(STUDIES.c.study_id).where(STUDIES.c.study_id == bindparam("study"))


def _parts(of: TableClause, *names: str, order: str) -> Select[Any]:
    asked = select(of.c.trial_id, *(of.c[name] for name in names)).where(of.c.trial_id.in_(_IDS))
    return asked.order_by(of.c.trial_id, of.c[order])


# Made once: to put a statement together takes longer than to execute it.
_PARAMS = _parts(PARAMS, "param_name", "param_value", "distribution_json", order="param_id")
_USER = _parts(USER_ATTRIBUTES, "key", "value_json", order="key")
_SYSTEM = _parts(SYSTEM_ATTRIBUTES, "key", "value_json", order="key")
_VALUES = _parts(VALUES, "value", "value_type", order="objective")
_REPORTS = _parts(REPORTS, "step", "intermediate_value", "intermediate_value_type", order="step")


def read_trials(
    connection: Connection, study_id: int, included: Collection[int] = (), after: int = -1
) -> list[FrozenTrial]:
    """Return trials of a study as Optuna's storage does, by their ids.

    Args:
        connection: to the database, in one transaction.
        study_id: Optuna's number of the study.
        included: ids of trials to read.
        after: trials with larger ids are read too.

    Raises:
        KeyError: if there is no such study.
        LookupError: if a trial's state is none: the file is damaged, or was edited.
    """
    rows: list[Any] = list(connection.execute(_LATER, {"study": study_id, "after": after}))
    for ids in _portions(sorted(one for one in included if one <= after)):
        rows += connection.execute(_NAMED, {"study": study_id, "ids": ids})
    if not rows and connection.scalar(_STUDY, {"study": study_id}) is None:
        raise KeyError(f"there is no study number {study_id} in this storage (any more)")
    rows.sort(key=lambda row: int(row[0]))
    return [trial for some in _portions(rows) for trial in _whole(connection, some)]


def read_trial(connection: Connection, trial_id: int) -> FrozenTrial:
    """Return a trial as Optuna's storage does.

    Raises:
        KeyError: if there is none.
        LookupError: as `read_trials`.
    """
    rows = connection.execute(_ONE, {"trial": trial_id}).all()
    if not rows:
        raise KeyError(f"there is no trial with the id {trial_id} in this storage")
    (trial,) = _whole(connection, rows)
    return trial


def _portions(all_of: Sequence[T]) -> Iterator[Sequence[T]]:
    """Yield a sequence in portions that a question to the database may name one by one."""
    for first in range(0, len(all_of), _AT_ONCE):
        yield all_of[first : first + _AT_ONCE]


def _whole(connection: Connection, rows: Sequence[Any]) -> Iterator[FrozenTrial]:
    """Yield the trials of some rows of their table, with what the other tables say of them."""
    ids = [row[0] for row in rows]

    def parts(asked: Select[Any]) -> dict[int, list[Any]]:
        by_trial = defaultdict[int, list[Any]](list)
        for row in connection.execute(asked, {"ids": ids}):
            by_trial[row[0]].append(row)
        return by_trial

    params, user, system, values, reports = map(parts, (_PARAMS, _USER, _SYSTEM, _VALUES, _REPORTS))
    for trial_id, number, state, start, complete in rows:
        distributions = {name: distribution_of(stored) for _, name, _, stored in params[trial_id]}
        yield FrozenTrial(
            number=number,
            state=_state(state),
            value=None,
            values=[_number(value, kind) for _, value, kind in values[trial_id]] or None,
            datetime_start=local_time(start),
            datetime_complete=local_time(complete),
            params={name: distributions[name].to_external_repr(value) for _, name, value, _ in params[trial_id]},
            distributions=distributions,
            user_attrs={key: json.loads(value) for _, key, value in user[trial_id]},
            system_attrs={key: json.loads(value) for _, key, value in system[trial_id]},
            intermediate_values={step: _number(value, kind) for _, step, value, kind in reports[trial_id]},
            trial_id=trial_id,
        )


def _state(stored: str) -> TrialState:
    if stored not in TrialState.__members__:
        raise LookupError(f"{stored!r} is no state of a trial")
    return TrialState[stored]


def _number(value: float | None, kind: str) -> float:
    """Return a stored number; those that are not finite are stored as their kind alone."""
    return _NOT_FINITE[kind] if value is None else value


def local_time(stored: datetime | None) -> datetime | None:
    """Return a stored time, which is that of Greenwich, on this machine's clock."""
    return None if stored is None else stored.replace(tzinfo=UTC).astimezone().replace(tzinfo=None)
