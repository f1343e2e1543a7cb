"""Optuna's storage, with what a search reads and writes for every epoch made quick."""

from __future__ import annotations

import copy
import threading
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from optuna.distributions import BaseDistribution, check_distribution_compatibility
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import Connection

from lrsearch.storage.database.optuna_tables import are_known
from lrsearch.storage.database.trial_reading import local_time, read_trial, read_trials
from lrsearch.storage.database.trial_writing import (
    Parameter,
    add_reports,
    add_running_trial,
    write_end,
    write_parts,
    write_report,
)

ONLY_READS = "lrsearch_only_reads"
"""The execution option of a connection that writes nothing."""


class QuickStorage(RDBStorage):
    """An RDBStorage that reads and writes trials by statements made once, where it knows the tables and their dialect.

    Optuna makes an object of every row, and a transaction of every value.
    """

    _gathered = threading.local()

    @cached_property
    def knows_its_tables(self) -> bool:
        """Whether the database's tables and its dialect are known, or all is left to Optuna."""
        return are_known(self)

    def _get_trials(
        self,
        study_id: int,
        states: Container[TrialState] | None,
        included_trial_ids: set[int],
        trial_id_greater_than: int,
    ) -> list[FrozenTrial]:
        """Return trials as RDBStorage does, by whose cache this is called, but read faster where that is possible."""
        if not self.knows_its_tables:
            return super()._get_trials(study_id, states, included_trial_ids, trial_id_greater_than)
        with self._reading() as connection:
            trials = read_trials(connection, study_id, included_trial_ids, trial_id_greater_than)
        return [trial for trial in trials if states is None or trial.state in states]

    def get_trial(self, trial_id: int) -> FrozenTrial:
        """Return a trial as RDBStorage does."""
        if not self.knows_its_tables:
            return super().get_trial(trial_id)
        with self._reading() as connection:
            return read_trial(connection, trial_id)

    def _reading(self) -> Connection:
        return self.engine.connect().execution_options(**{ONLY_READS: True})

    def _create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> FrozenTrial:
        """Make a trial as RDBStorage does, by whose cache this is called; quick where it is a new one that runs."""
        if not self.knows_its_tables or template_trial is None or not _is_new(template_trial):
            return super()._create_new_trial(study_id, template_trial)
        with self.engine.begin() as connection:
            trial_id, number, start = add_running_trial(connection, study_id, template_trial.user_attrs)
        made = copy.deepcopy(template_trial)
        made._trial_id, made.number, made.datetime_start = trial_id, number, local_time(start)
        return made

    def end_trial(self, trial_id: int, state: TrialState, value: float, attributes: Mapping[str, Any]) -> None:
        """Write into known tables how a trial has ended, with user attributes, all or none."""
        with self.engine.begin() as connection:
            write_end(connection, trial_id, state, value, attributes)

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Write a user attribute as RDBStorage does."""
        if self.knows_its_tables:
            self.set_trial_user_attrs(trial_id, {key: value})
        else:
            super().set_trial_user_attr(trial_id, key, value)

    def set_trial_user_attrs(self, trial_id: int, attributes: Mapping[str, Any]) -> None:
        """Write user attributes of a trial into known tables, all of them or none."""
        with self.engine.begin() as connection:
            write_parts(connection, trial_id, (), attributes)

    def set_trial_intermediate_value(self, trial_id: int, step: int, intermediate_value: float) -> None:
        """Write a report as RDBStorage does."""
        if not self.knows_its_tables:
            super().set_trial_intermediate_value(trial_id, step, intermediate_value)
            return
        with self.engine.begin() as connection:
            write_report(connection, trial_id, step, intermediate_value)

    def add_reports(self, reports: Sequence[tuple[int, int, float]]) -> None:
        """Write reports (trial id, step, value) into known tables, all or none; what was reported at a step is left."""
        with self.engine.begin() as connection:
            add_reports(connection, reports)

    @contextmanager
    def parameters_gathered(self) -> Iterator[list[Parameter]]:
        """Yield a list which takes the parameters that this thread sets in the body, in the place of the tables."""
        self._gathered.parameters = gathered = list[Parameter]()
        try:
            yield gathered
        finally:
            del self._gathered.parameters

    def begin_trial(self, trial_id: int, parameters: Sequence[Parameter], attributes: Mapping[str, Any]) -> None:
        """Write parameters and user attributes of a trial into known tables, all or none."""
        with self.engine.begin() as connection:
            write_parts(connection, trial_id, parameters, attributes)

    def _set_trial_param(
        self,
        trial_id: int,
        param_name: str,
        param_value_internal: float,
        distribution: BaseDistribution,
        previous_distribution: BaseDistribution | None,
    ) -> None:
        """Write a parameter as RDBStorage does, which finds out what its distribution was where that is not given."""
        gathered: list[Parameter] | None = getattr(self._gathered, "parameters", None)
        if not self.knows_its_tables or previous_distribution is None:
            if gathered:  # those before it are to stand before it
                self.begin_trial(trial_id, gathered, {})
                gathered.clear()
            super()._set_trial_param(trial_id, param_name, param_value_internal, distribution, previous_distribution)
            return
        check_distribution_compatibility(previous_distribution, distribution)
        parameter = Parameter(param_name, param_value_internal, distribution)
        if gathered is None:
            self.begin_trial(trial_id, [parameter], {})
        else:
            gathered.append(parameter)


def _is_new(template: FrozenTrial) -> bool:
    """Return whether a trial that is to be made runs, and has nothing yet but user attributes."""
    filled = template.values or template.params or template.system_attrs or template.intermediate_values
    return template.state == TrialState.RUNNING and not filled
