"""What a report is made of, found by name and read once."""

from __future__ import annotations

import pytest
from optuna.storages import InMemoryStorage

from lrsearch.errors import InputError
from lrsearch.report.assemble import report_html
from lrsearch.report.source import read_source
from lrsearch.storage import create_study
from tests.report.report_helpers import GIVEN, fill, small_config


def test_the_study_is_found_by_any_of_its_names():
    """The name of the search, of its confirmation or none at all lead to the same study."""
    config = small_config(name="one")
    storage = fill(InMemoryStorage(), config)
    assert {"one"} == {read_source(storage, name).study.name for name in (None, "one", "one/confirm")}
    with pytest.raises(InputError, match="there is no study 'two'"):
        read_source(storage, "two")
    create_study(storage, "two", config, **GIVEN, attributes={})
    with pytest.raises(InputError, match="--study-name: one, two"):
        read_source(storage)


def test_an_empty_storage_is_named():
    """A storage without a study gives one line, not an empty page."""
    with pytest.raises(InputError, match="there are none"):
        read_source(InMemoryStorage())


def test_replicates_are_read_together():
    """The searches NAME/search-00 and -01 are one study with two histories."""
    config = small_config(name="many")
    storage = InMemoryStorage()
    for replicate in range(2):
        create_study(storage, f"many/search-{replicate:02d}", config, **GIVEN, attributes={"space": {"families": {}}})
    source = read_source(storage)
    assert ("many", 2) == (source.study.name, len(source.study.searches))
    assert "There is no verdict" in report_html(source)
