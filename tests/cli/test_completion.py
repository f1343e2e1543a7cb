"""What the shell offers."""

from types import SimpleNamespace

import pytest
from optuna.storages import InMemoryStorage

from lrsearch import storage
from lrsearch.cli.completion import families, stored_studies, study_files, study_names
from lrsearch.errors import InputError
from tests.report.report_helpers import fill, small_config


def test_studies_are_offered_by_file_and_by_name(folder):
    """Built-in names, study files and folders; hidden and other files are not."""
    (folder / "quarter.toml").touch()
    (folder / "quarter.txt").touch()
    (folder / "qu").mkdir()
    (folder / "qu" / "inner.toml").touch()
    assert ["quick", "qu/", "quarter.toml"] == [name for name in study_files("qu") if name != "quadratic"]
    assert ["qu/inner.toml"] == list(study_files("qu/"))


def test_names_are_those_of_the_storage(folder, monkeypatch):
    """The name that a user types, once, of whatever parts it has; nothing where the storage cannot be read."""
    kept = fill(InMemoryStorage(), small_config(name="mine"), trials=1)
    monkeypatch.setattr(storage, "open_existing", {"here": kept}.__getitem__)
    context = SimpleNamespace(params={"storage": "here"})
    assert ["mine"] == study_names(context, "m")
    assert [] == study_names(context, "x")
    (folder / "my.toml").touch()
    assert ["mine", "my.toml"] == stored_studies(context, "m")

    def refused(_):
        raise InputError("no such storage")

    monkeypatch.setattr(storage, "open_existing", refused)
    assert [] == study_names(context, "")


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("rex", ["rex"]),
        ("rex,cosine", ["rex,cosine", "rex,cosine_restarts"]),
        ("cosine,cosine", ["cosine,cosine_restarts"]),
    ],
)
def test_a_list_of_families_goes_on_after_its_comma(typed, offered):
    """The names before the comma stay, and none is offered twice."""
    assert offered == families(typed)
