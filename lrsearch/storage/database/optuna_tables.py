"""The tables of trials in Optuna's databases, as far as lrsearch reads them itself.

They are Optuna's own and may change with its next release, so that they are read only where their version is the one
that is known here.
"""

from __future__ import annotations

from functools import lru_cache

from optuna.distributions import BaseDistribution, json_to_distribution
from optuna.storages import RDBStorage
from sqlalchemy import DateTime, String, column, table

VERSION = "v3.2.0.a"
"""Optuna's version of these tables, as it says itself."""

STUDIES = table("studies", column("study_id"), column("study_name", String))
TRIALS = table(
    "trials",
    column("trial_id"),
    column("study_id"),
    column("number"),
    column("state"),
    column("datetime_start", DateTime),
    column("datetime_complete", DateTime),
)
PARAMS = table(
    "trial_params",
    column("param_id"),
    column("trial_id"),
    column("param_name", String),
    column("param_value"),
    column("distribution_json", String),
)
USER_ATTRIBUTES = table(
    "trial_user_attributes", column("trial_id"), column("key", String), column("value_json", String)
)
SYSTEM_ATTRIBUTES = table(
    "trial_system_attributes", column("trial_id"), column("key", String), column("value_json", String)
)
VALUES = table("trial_values", column("trial_id"), column("objective"), column("value"), column("value_type"))
REPORTS = table(
    "trial_intermediate_values",
    column("trial_id"),
    column("step"),
    column("intermediate_value"),
    column("intermediate_value_type"),
)


def are_known(storage: RDBStorage) -> bool:
    """Return whether a database's tables are those above, in a dialect that is tested."""
    return storage.engine.dialect.name in ("sqlite", "postgresql") and storage.get_current_version() == VERSION


@lru_cache(maxsize=4096)
def distribution_of(stored: str) -> BaseDistribution:
    """Return a distribution from its JSON; equal ones are one object, which is never changed."""
    return json_to_distribution(stored)
