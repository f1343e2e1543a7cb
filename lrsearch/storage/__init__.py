"""Databases of studies: how they are opened, kept and copied, and how trials are read back.

Owns addresses, SQLite and PostgreSQL, patience with slow servers, study attributes, trial records. May import config,
records and names, and Optuna. Begin with study.py.
"""

from lrsearch.names import DEFAULT_STORAGE
from lrsearch.storage.address import (
    absolute_address,
    existing_storage,
    open_existing,
    open_storage,
    reopen_storage,
    shared_disk_warning,
)
from lrsearch.storage.attributes import SCHEMA_VERSION
from lrsearch.storage.backup import back_up
from lrsearch.storage.integrity import examine_storage
from lrsearch.storage.secrets import redacted
from lrsearch.storage.study import (
    confirmation_of,
    create_study,
    enter_in_ledger,
    load_study,
    refuse_another,
    searches_of,
    storage_of,
    study_config,
    study_id,
    test_ledger,
    the_study,
)
from lrsearch.storage.trial import audited_trials, confirmed_runs, family_of, records, to_record, trials_by_hand
from lrsearch.storage.worker import fail_waiting, is_dead, is_elsewhere, set_attribute, worker_name

__all__ = [
    "DEFAULT_STORAGE",
    "SCHEMA_VERSION",
    "absolute_address",
    "audited_trials",
    "back_up",
    "confirmation_of",
    "confirmed_runs",
    "create_study",
    "enter_in_ledger",
    "examine_storage",
    "existing_storage",
    "fail_waiting",
    "family_of",
    "is_dead",
    "is_elsewhere",
    "load_study",
    "open_existing",
    "open_storage",
    "records",
    "redacted",
    "refuse_another",
    "reopen_storage",
    "searches_of",
    "set_attribute",
    "shared_disk_warning",
    "storage_of",
    "study_config",
    "study_id",
    "test_ledger",
    "the_study",
    "to_record",
    "trials_by_hand",
    "worker_name",
]
