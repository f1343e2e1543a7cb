import pytest
from optuna.storages import InMemoryStorage

from lrsearch.storage import open_storage


@pytest.fixture
def storage():
    return InMemoryStorage()


@pytest.fixture
def database(folder):
    """Return the storage that commands read by default."""
    return open_storage("sqlite:///lrsearch.db")
