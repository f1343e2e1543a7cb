"""The database's own answers are those of Optuna's interface, on studies of any kind."""

import pytest
from optuna.storages import InMemoryStorage

from lrsearch.storage import TrialFilter, count_trials, newest_trials, open_storage, stored_names
from lrsearch.storage.database import optuna_tables
from lrsearch.storage.trial_filter import STATES
from lrsearch.storage.trial_lists import count_by_api, list_by_api
from lrsearch.storage.trial_queries import TrialQueries
from tests.storage.odd_studies import fill


def _sorted(counts):
    return sorted(counts, key=lambda count: (count.study, count.state, count.family))


def assert_the_same_as_optunas_interface(storage) -> None:
    """Compare every count, and the lists of every filter, with what all trials read by Optuna give."""
    assert TrialQueries.of(storage) is not None
    counts = count_by_api(storage)
    assert _sorted(counts) == _sorted(count_trials(storage))
    studies = stored_names(storage)
    families = sorted({count.family for count in counts})
    assert len(families) > 4
    for wanted in [TrialFilter(), *map(TrialFilter, families), TrialFilter("cosine", "complete"), TrialFilter("none")]:
        expected = list_by_api(storage, studies, wanted)
        assert repr(expected) == repr(newest_trials(storage, studies, wanted))  # repr because NaN is not NaN
        newest = newest_trials(storage, studies, wanted, 7)
        numbers = sorted((line.number for line in expected), reverse=True)[:7]
        assert numbers == sorted((line.number for line in newest), reverse=True)
        assert set(map(repr, newest)) <= set(map(repr, expected))
    for state in STATES:
        wanted = TrialFilter(state=state, replicate=1)
        expected = list_by_api(storage, ["a/search-01"], wanted)
        assert repr(expected) == repr(newest_trials(storage, studies, wanted))
        assert expected or state == "fail"


@pytest.mark.parametrize("seed", range(2))
def test_sqlite_answers_as_optunas_interface(folder, seed: int) -> None:
    """Every state, family and odd attribute, by each filter."""
    storage = open_storage("sqlite:///a.db")
    fill(storage, seed=seed)
    assert_the_same_as_optunas_interface(storage)


def test_other_storages_and_other_versions_go_by_optunas_interface(folder, monkeypatch) -> None:
    """A journal, a storage in memory, and a database whose tables a later Optuna may have changed."""
    database = open_storage("sqlite:///a.db")
    monkeypatch.setattr(optuna_tables, "VERSION", "v9")
    for storage in (InMemoryStorage(), open_storage("journal:///a.log"), database):
        assert TrialQueries.of(storage) is None
        fill(storage, seed=1, trials=5)
        assert 4 * 8 == sum(count.count for count in count_trials(storage))
        assert [5, 6, 7] == [line.number for line in newest_trials(storage, ["b"], most=3)]
