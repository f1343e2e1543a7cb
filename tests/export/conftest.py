"""One study of three families, searched and confirmed once for all tests of exports."""

from __future__ import annotations

import pytest

from lrsearch.config import StudyConfig
from lrsearch.confirmation.confirm import run_confirm
from lrsearch.experiment.options import RunOptions
from lrsearch.search.optimize import run_search
from lrsearch.storage import StoredStudy
from tests.export.documents import STUDY


@pytest.fixture(scope="session")
def storage(tmp_path_factory):
    """Search six trials and confirm in six blocks."""
    url = f"sqlite:///{tmp_path_factory.mktemp('export')}/study.db"
    config, options = StudyConfig.from_dict(STUDY), RunOptions(storage=url, device="cpu", workers=1)
    run_search(config, options)
    run_confirm(config, options, blocks=6)
    return url


@pytest.fixture(scope="session")
def source(storage):
    return StoredStudy.open(storage)
