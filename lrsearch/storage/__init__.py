"""Studies in SQLite (or PostgreSQL, or a journal): how they are opened, what they carry, how trials are read."""

from lrsearch.storage.address import DEFAULT_STORAGE, integrity, open_storage, redacted
from lrsearch.storage.study import (
    SCHEMA_VERSION,
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
from lrsearch.storage.trial import records, to_record
from lrsearch.storage.worker import is_dead, worker_name

__all__ = [
    "DEFAULT_STORAGE",
    "SCHEMA_VERSION",
    "confirmation_of",
    "create_study",
    "enter_in_ledger",
    "integrity",
    "is_dead",
    "load_study",
    "open_storage",
    "records",
    "redacted",
    "refuse_another",
    "searches_of",
    "storage_of",
    "study_config",
    "study_id",
    "test_ledger",
    "the_study",
    "to_record",
    "worker_name",
]
