"""Names of studies: what a user types stands for the searches, the confirmation and the audit."""

import pytest

from lrsearch.names import (
    audit_name,
    base_name,
    budget_names,
    confirmation_name,
    is_confirmation,
    is_search,
    replicate_of,
    search_names,
    without_budget,
)

NAMES = ["tab", "tab/confirm", "tab/audit", "other", "tab/search-01", "tab/search-00"]


@pytest.mark.parametrize(
    ("name", "base", "replicate"),
    [
        ("tab", "tab", 0),
        ("tab/search-03", "tab", 3),
        ("tab/confirm", "tab", None),
        ("tab/audit", "tab", None),
        ("tab/search-x", "tab/search-x", 0),
        ("my/search-1/search-00", "my/search-1", 0),
        ("tab/epochs-2/confirm", "tab/epochs-2", None),
    ],
)
def test_every_part_of_an_experiment_has_one_base_name(name, base, replicate) -> None:
    """Numbers of replicates are known by their digits; confirmation and audit are no search."""
    assert (base, replicate, replicate is not None) == (base_name(name), replicate_of(name), is_search(name))


def test_names_that_are_made_are_known_again() -> None:
    """The confirmation and the audit of a study belong to it."""
    assert ("tab/confirm", "tab/audit") == (confirmation_name("tab"), audit_name("tab"))
    assert (True, False) == (is_confirmation("tab/confirm"), is_confirmation("tab/audit"))
    assert {"tab"} == {base_name(confirmation_name("tab")), base_name(audit_name("tab"))}


def test_searches_are_found_in_order() -> None:
    """The search itself and its replicates, and nothing of another name."""
    assert ["tab", "tab/search-00", "tab/search-01"] == search_names(NAMES, "tab")
    assert [] == search_names(NAMES, "ta")


def test_epoch_budgets_are_sorted_by_their_number() -> None:
    """10 comes after 9, each once though it has several parts; words are no budget."""
    names = ["a/epochs-10", "a/epochs-9/search-00", "a/epochs-9/confirm", "a/epochs-many", "b/epochs-1", "a"]
    assert [(9, "a/epochs-9"), (10, "a/epochs-10")] == list(budget_names(names, "a").items())
    assert ["a", "a/epochs-many", "a"] == [without_budget(n) for n in ("a/epochs-10", "a/epochs-many", "a")]
