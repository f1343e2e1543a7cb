"""What a study says of itself: read where it is as lrsearch writes it, and refused where anybody changed it."""

import pytest

from lrsearch.errors import InputError
from lrsearch.storage.attributes import SCHEMA_VERSION, Choices, Range, StudyAttributes

READING = {"when": "now", "block": 0, "epochs": "last", "entries": ["cosine"]}


def test_what_a_study_does_not_say_has_a_default() -> None:
    """So that studies of earlier versions are read; what later ones add is passed over."""
    attributes = StudyAttributes.of({"of the future": 1}, "tab")
    assert (SCHEMA_VERSION, "", None, 0, {}, []) == (
        attributes.schema_version,
        attributes.data_fingerprint,
        attributes.split_seed,
        attributes.searches,
        attributes.controls,
        attributes.test_ledger,
    )


def test_readings_of_the_test_set_are_collected_by_block() -> None:
    """Each block has an attribute of its own, which holds one reading or several."""
    later = READING | {"block": 1, "beyond_plan": True}
    readings = StudyAttributes.of({"test_ledger:0001": [later, later], "test_ledger:0000": READING}, "tab").test_ledger
    assert [(0, False), (1, True), (1, True)] == [(reading.block, reading.beyond_plan) for reading in readings]


def test_the_searched_space_is_typed() -> None:
    """A range, a logarithmic range, or choices."""
    families = {"cosine": {"base_lr": {"low": 0.1, "high": 1.0, "log": True}, "shape": {"choices": ["a", 2]}}}
    space = StudyAttributes.of({"space": {"families": families}}, "tab").space
    assert space is not None
    assert {"base_lr": Range(low=0.1, high=1.0, log=True), "shape": Choices(choices=["a", 2])} == (
        space.families["cosine"]
    )


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"lanes": "many"}, "lanes"),
        ({"split_seed": -1}, "split_seed"),
        ({"controls": {"twin": {"kind": "aa"}}}, "controls.twin.of"),
        ({"efforts": {"ten": []}}, "efforts.ten"),
        ({"test_ledger:0000": {"block": 0}}, "test_ledger.0"),
        ({"space": {"families": {"cosin": {}}}}, "family 'cosin' is unknown here"),
        ({"space": {"families": {"cosine": {"base_lr": {"low": 0.0, "high": 1.0, "log": True}}}}}, "low <= high"),
        ({"left_out": "cosine\x1b[31m"}, "left_out"),
    ],
)
def test_what_lrsearch_has_not_written_is_named(wrong, where) -> None:
    """The study, the attribute and what is wrong with it."""
    with pytest.raises(InputError) as caught:
        StudyAttributes.of(wrong, "tab")
    assert "study 'tab' holds an attribute that lrsearch has not written: " in str(caught.value)
    assert where in str(caught.value)


@pytest.mark.parametrize("schema", [SCHEMA_VERSION + 1, "new", None])
def test_a_newer_record_format_is_refused(schema) -> None:
    """It may mean something else by the same names."""
    with pytest.raises(InputError, match=r"reads up to 1: install a newer one"):
        StudyAttributes.of({"schema": schema}, "tab")
