"""One study with its confirmation, read once for all tests of reports."""

from __future__ import annotations

import pytest

from tests.report.report_helpers import stored_source


@pytest.fixture(scope="session")
def source():
    """Return a search with its confirmation, read from a database."""
    return stored_source()
