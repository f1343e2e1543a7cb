"""Databases of studies: how they are opened, kept and copied, and how studies and trials are read back.

Owns addresses, SQLite and PostgreSQL, patience with slow servers, StoredStudy, which every reader takes, and counts and
lists of trials. May import config, records and names, and Optuna. Begin with stored_study.py.
"""

from lrsearch.names import DEFAULT_STORAGE
from lrsearch.passwords import redacted
from lrsearch.storage.attributes import SCHEMA_VERSION, budget_sentence
from lrsearch.storage.database.address import (
    Storage,
    absolute_address,
    existing_storage,
    is_in_memory,
    open_existing,
    open_storage,
    reopen_storage,
    shared_disk_warning,
    storage_file,
)
from lrsearch.storage.database.backup import back_up
from lrsearch.storage.integrity import Finding, examine_storage
from lrsearch.storage.running_trials import (
    as_last_read,
    ask_marked,
    end_trial,
    report,
    set_attributes,
    written_at_once,
)
from lrsearch.storage.same_study import require_same_plan, require_same_study
from lrsearch.storage.stored_study import StoredStudy, resolve_name, studies_by_budget
from lrsearch.storage.study import (
    StudyHead,
    as_stored,
    create_study,
    enter_in_ledger,
    load_study,
    storage_of,
    stored_names,
    study_heads,
    study_id,
)
from lrsearch.storage.study_part import StudyPart
from lrsearch.storage.trial import family_of, records, to_record
from lrsearch.storage.trial_filter import STATES, TrialCount, TrialFilter, TrialLine
from lrsearch.storage.trial_lists import count_trials, newest_trials
from lrsearch.storage.worker import fail_waiting, is_dead, is_elsewhere, set_attribute, worker_name

__all__ = [
    "DEFAULT_STORAGE",
    "SCHEMA_VERSION",
    "STATES",
    "Finding",
    "Storage",
    "StoredStudy",
    "StudyHead",
    "StudyPart",
    "TrialCount",
    "TrialFilter",
    "TrialLine",
    "absolute_address",
    "as_last_read",
    "as_stored",
    "ask_marked",
    "back_up",
    "budget_sentence",
    "count_trials",
    "create_study",
    "end_trial",
    "enter_in_ledger",
    "examine_storage",
    "existing_storage",
    "fail_waiting",
    "family_of",
    "is_dead",
    "is_elsewhere",
    "is_in_memory",
    "load_study",
    "newest_trials",
    "open_existing",
    "open_storage",
    "records",
    "redacted",
    "reopen_storage",
    "report",
    "require_same_plan",
    "require_same_study",
    "resolve_name",
    "set_attribute",
    "set_attributes",
    "shared_disk_warning",
    "storage_file",
    "storage_of",
    "stored_names",
    "studies_by_budget",
    "study_heads",
    "study_id",
    "to_record",
    "worker_name",
    "written_at_once",
]
