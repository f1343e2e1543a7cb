"""Optuna's own conformance suite for storages, on an SQLite database as lrsearch opens it."""

import pytest
from optuna.storages import BaseStorage
from optuna.testing.pytest_storages import StorageTestCase

from lrsearch.storage import open_storage

pytestmark = pytest.mark.slow  # each of the 59 tests makes its tables


class TestSqlite(StorageTestCase):
    """Write-ahead logging and transactions that lock at once change nothing that Optuna relies on."""

    @pytest.fixture
    def storage(self, tmp_path) -> BaseStorage:
        """Return an empty storage."""
        return open_storage(f"sqlite:///{tmp_path}/suite.db")
