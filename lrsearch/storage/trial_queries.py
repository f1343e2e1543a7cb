"""Questions about trials that the database answers itself: SQL on the tables of Optuna's storage.

A study of 20,000 trials has millions of rows, and Optuna reads all of them.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from optuna.storages import BaseStorage, RDBStorage
from sqlalchemy import Connection, String, and_, case, cast, false, func, or_, select
from sqlalchemy.sql import ColumnElement, Select

from lrsearch.storage.database.optuna_tables import (
    PARAMS,
    REPORTS,
    STUDIES,
    TRIALS,
    USER_ATTRIBUTES,
    VALUES,
    are_known,
    distribution_of,
)
from lrsearch.storage.database.patience import patiently
from lrsearch.storage.trial_filter import LISTED_ATTRIBUTES, STATES, TrialCount, TrialFilter, TrialLine

T = TypeVar("T")
_LARGEST = 1e100
"""Beyond it a value counts as infinite, as `lrsearch.records.real` has it."""

_FAMILY = PARAMS.alias("family")
_ENTRY = USER_ATTRIBUTES.alias("entry")
_STOP_REASON = USER_ATTRIBUTES.alias("stop_reason")
_STATE = cast(TRIALS.c.state, String)
_NAMED = (_FAMILY.c.distribution_json, _FAMILY.c.param_value, _ENTRY.c.value_json)
"""What a trial's family is read from, see `_family`."""
_FINITE = case(
    (
        and_(cast(VALUES.c.value_type, String) == "FINITE", func.abs(VALUES.c.value) <= _LARGEST),
        VALUES.c.value,
    )
)
_SCORE = case((func.coalesce(_STOP_REASON.c.value_json, "") != '"diverged"', _FINITE))
"""The value of a trial that did not diverge."""
_FROM = (
    TRIALS.join(STUDIES, STUDIES.c.study_id == TRIALS.c.study_id)
    .outerjoin(_FAMILY, and_(_FAMILY.c.trial_id == TRIALS.c.trial_id, _FAMILY.c.param_name == "family"))
    .outerjoin(_ENTRY, and_(_ENTRY.c.trial_id == TRIALS.c.trial_id, _ENTRY.c.key == "entry"))
    .outerjoin(_STOP_REASON, and_(_STOP_REASON.c.trial_id == TRIALS.c.trial_id, _STOP_REASON.c.key == "stop_reason"))
    .outerjoin(VALUES, and_(VALUES.c.trial_id == TRIALS.c.trial_id, VALUES.c.objective == 0))
)


@dataclass(frozen=True)
class TrialQueries:
    """The questions, to one storage; each is answered in a transaction of its own."""

    storage: RDBStorage

    @classmethod
    def of(cls, storage: BaseStorage) -> TrialQueries | None:
        """Return the questions to a storage, None where it is no database with tables of Optuna's known version."""
        return cls(storage) if isinstance(storage, RDBStorage) and are_known(storage) else None

    def counts(self) -> list[TrialCount]:
        """Return how many trials of each study have each state and family."""
        return self._ask(_counts)

    def lines(self, studies: Sequence[str], wanted: TrialFilter, most: int | None) -> list[TrialLine]:
        """Return the trials that are asked for, the `most` newest of them, or all if None."""
        return self._ask(lambda connection: _lines(connection, studies, wanted, most))

    def _ask(self, question: Callable[[Connection], T]) -> T:
        """Return an answer; what cannot be read anywhere in the trials' attributes ends it, as it ends Optuna."""

        def attempt() -> T:
            with self.storage.engine.connect() as connection:
                if self.storage.engine.dialect.name == "sqlite":
                    _require_readable(connection)
                return question(connection)

        return patiently(attempt)


def _require_readable(connection: Connection) -> None:
    """Raise JSONDecodeError if an attribute of a trial is no JSON: the file is damaged, or was edited."""
    # NaN and Infinity are none for SQLite, and are for Optuna.
    suspicious = select(USER_ATTRIBUTES.c.value_json).where(func.json_valid(USER_ATTRIBUTES.c.value_json) == 0)
    for value in connection.scalars(suspicious):
        json.loads(value)


def _counts(connection: Connection) -> list[TrialCount]:
    counted = (
        select(
            STUDIES.c.study_name,
            _STATE,
            *_NAMED,
            func.count(TRIALS.c.trial_id),
            func.min(_SCORE),
            func.max(_SCORE),
        )
        .select_from(_FROM)
        .group_by(STUDIES.c.study_name, _STATE, *_NAMED)
    )
    merged: dict[tuple[str, str, str], TrialCount] = {}
    for study, state, distribution, place, entry, count, least, greatest in connection.execute(counted):
        key = study, _state(state), _family(distribution, place, entry)
        before = merged.get(key, TrialCount(*key, 0))
        merged[key] = TrialCount(
            *key, before.count + count, _of(min, before.least, least), _of(max, before.greatest, greatest)
        )
    return list(merged.values())


def _lines(connection: Connection, studies: Sequence[str], wanted: TrialFilter, most: int | None) -> list[TrialLine]:
    chosen = (
        select(TRIALS.c.trial_id, STUDIES.c.study_name, TRIALS.c.number, _STATE, _FINITE)
        .select_from(_FROM)
        .where(STUDIES.c.study_name.in_(studies), *_conditions(connection, wanted))
        .order_by(TRIALS.c.number.desc(), STUDIES.c.study_name.desc())
        .limit(most)
    )
    ids = chosen.with_only_columns(TRIALS.c.trial_id).subquery("chosen")
    attributes, params = defaultdict[int, dict[str, Any]](dict), defaultdict[int, dict[str, Any]](dict)
    for trial, key, value in connection.execute(
        _of_chosen(ids, USER_ATTRIBUTES, "key", "value_json").where(USER_ATTRIBUTES.c.key.in_(LISTED_ATTRIBUTES))
    ):
        attributes[trial][key] = json.loads(value)
    for trial, name, value, distribution in connection.execute(
        _of_chosen(ids, PARAMS, "param_name", "param_value", "distribution_json").order_by(PARAMS.c.param_id)
    ):
        params[trial][name] = distribution_of(distribution).to_external_repr(value)
    reported = _of_chosen(ids, REPORTS).add_columns(func.count()).group_by(REPORTS.c.trial_id)
    epochs = {int(row[0]): int(row[1]) for row in connection.execute(reported)}
    return [
        TrialLine.of(
            study,
            number,
            _state(state),
            value=value if _is_finished(state) else None,
            epochs=epochs.get(trial, 0),
            params=params[trial],
            attributes=attributes[trial],
        )
        for trial, study, number, state, value in connection.execute(chosen)
    ]


def _conditions(connection: Connection, wanted: TrialFilter) -> list[ColumnElement[bool]]:
    """Return what a trial must fulfil to be of the state and the family that are asked for."""
    conditions: list[ColumnElement[bool]] = []
    if wanted.state is not None:
        conditions.append(_STATE.in_([wanted.state.upper()]))
    if wanted.family is not None:
        named = connection.execute(select(*_NAMED).select_from(_FROM).distinct())
        of_family = [
            and_(*(part.is_not_distinct_from(value) for part, value in zip(_NAMED, row, strict=True)))
            for row in named
            if _family(*row) == wanted.family
        ]
        conditions.append(or_(false(), *of_family))
    return conditions


def _of_chosen(ids: Any, of: Any, *columns: str) -> Select[Any]:
    """Return the question for columns of a table, of the chosen trials alone."""
    return select(of.c.trial_id, *(of.c[name] for name in columns)).join(ids, ids.c.trial_id == of.c.trial_id)


def _state(stored: str) -> str:
    """Return a state as records name it.

    Raises:
        LookupError: if there is no such state: the file is damaged, or was edited.
    """
    state = stored.lower()
    if state not in STATES:
        raise LookupError(f"{stored!r} is no state of a trial")
    return state


def _is_finished(stored: str) -> bool:
    return stored in ("COMPLETE", "PRUNED", "FAIL")


def _family(distribution: str | None, place: float | None, entry: str | None) -> str:
    """Return the family or the candidate that a trial says, as `lrsearch.storage.trial.family_of` does."""
    named = None if entry is None else json.loads(entry)
    if named or distribution is None or place is None:
        return str(named or "")
    return str(distribution_of(distribution).to_external_repr(place))


def _of(choose: Callable[[Iterable[float]], float], *values: float | None) -> float | None:
    stored = [value for value in values if value is not None]
    return choose(stored) if stored else None
