"""`lrsearch trials` and `lrsearch studies`: what a storage holds, and only what is asked for."""

import csv
import io
import json

import pytest

import lrsearch
from lrsearch.cli.listing import list_trials, study_table
from lrsearch.errors import InputError
from lrsearch.storage import STATES, TrialFilter, open_storage
from tests.search.run_helpers import make_config


@pytest.fixture(scope="module")
def url(tmp_path_factory) -> str:
    """Return a storage with a search of two replicates and its confirmation, and another search beside it."""
    url = f"sqlite:///{tmp_path_factory.mktemp('listing')}/a.db"
    options = {"storage": url, "workers": 1, "lanes": 3, "device": "cpu"}
    study = lrsearch.optimize(make_config(search__replicates=2, name="twice"), trials=6, **options)
    lrsearch.confirm(study, blocks=2, workers=1)
    lrsearch.optimize(make_config(name="once", search__families=("rex",)), trials=1, **options)
    return url


@pytest.fixture
def listed(url, run):
    """Return a function that lists by the command: rows from JSON, the same from CSV, and as many from the table."""

    def call(*arguments: object) -> list[dict[str, object]]:
        command = (*arguments, "--storage", url, "--format")
        rows = json.loads(run(*command, "json").out)
        by_csv = list(csv.DictReader(io.StringIO(run(*command, "csv").out)))
        head = 1 if rows else 0
        assert head + len(rows) == len(run(*command, "table").out.splitlines())
        for row, cells in zip(rows, by_csv, strict=True):
            for name in ("study", "number", "replicate", "family", "state"):
                assert row.get(name) in (None, cells.get(name)) or str(row[name]) == cells[name]
        return rows

    return call


def test_all_replicates_are_listed_and_one_where_asked(listed):
    """The name of a search means all of it; each replicate can be had alone, by its number or by its own name."""
    rows = listed("trials", "--study-name", "twice")
    assert [(k, n) for k in (0, 1) for n in range(6)] == [(row["replicate"], row["number"]) for row in rows]
    second = listed("trials", "--study-name", "twice", "--replicate", "1")
    assert rows[6:] == second == listed("trials", "--study-name", "twice/search-01")


def test_filters_combine(url, listed):
    """Family, state and replicate together: exactly the rows for which all three hold."""
    rows, storage = listed("trials", "--study-name", "twice"), open_storage(url)
    for family in ("constant", "cosine", "one_cycle"):
        for state in STATES:
            expected = [r for r in rows if (r["family"], r["state"], r["replicate"]) == (family, state, 0)]
            listing = list_trials(storage, "twice", TrialFilter(family, state, 0), most=None)
            assert expected == json.loads(json.dumps(listing.table.records()))
    given = ("--family", "cosine", "--state", "complete", "--replicate", "0")
    expected = [r for r in rows if (r["family"], r["state"], r["replicate"]) == ("cosine", "complete", 0)]
    assert expected == listed("trials", "--study-name", "twice", *given)
    assert 4 == sum(row["family"] == "cosine" for row in rows)
    assert [] == listed("trials", "--study-name", "twice", "--family", "rex")


def test_studies_are_those_that_have_such_trials(listed):
    """Without a filter all; with one those where a trial fits, and the counts are of what fits."""
    names = ["once", "twice/confirm", "twice/search-00", "twice/search-01"]
    assert names == [row["study"] for row in listed("studies")]
    assert ["once"] == [row["study"] for row in listed("studies", "--family", "rex")]
    cosine = listed("studies", "--family", "cosine")
    assert names[1:] == [row["study"] for row in cosine]
    assert [2, 2, 2] == [row["complete"] + row["pruned"] for row in cosine]
    assert ["twice/search-01"] == [row["study"] for row in listed("studies", "--replicate", "1")]
    assert ["once", "twice/search-00"] == [row["study"] for row in listed("studies", "--replicate", "0")]
    assert [] == listed("studies", "--state", "running")
    complete = listed("studies", "--state", "complete", "--replicate", "0")
    assert [0, 0] == [row["pruned"] for row in complete]


def test_the_newest_trials_are_listed_unless_all_are_asked_for(url, run, monkeypatch):
    """Those with the highest numbers, and one line on standard error that says how many there are."""
    monkeypatch.setattr("lrsearch.cli.commands.keeping._NEWEST", 5)
    command = ("trials", "--study-name", "twice", "--storage", url, "--format", "json")
    newest, everything = run(*command), run(*command, "--all")
    assert [(0, 4), (0, 5), (1, 3), (1, 4), (1, 5)] == [
        (row["replicate"], row["number"]) for row in json.loads(newest.out)
    ]
    assert "the newest 5 of 12 trials are shown; --all shows the rest" in newest.err
    assert 12 == len(json.loads(everything.out))
    assert "newest" not in everything.err
    assert "newest" not in run(*command, "--replicate", "0", "--family", "cosine").err


WRONG = {
    "a family": (("--study-name", "twice", "--family", "cosin"), "no family 'cosin' here; did you mean 'cosine'?"),
    "a state": (("--study-name", "twice", "--state", "done"), "'done' is not one of 'complete', 'pruned', 'running'"),
    "a replicate": (("--study-name", "twice", "--replicate", "2"), "one of this study's (0, 1), got 2"),
    "a confirmation's": (("--study-name", "twice/confirm", "--replicate", "0"), "none, because only searches are"),
    "a study": (("--study-name", "twic"), "no study 'twic' in this storage"),
    "two studies": ((), "name one of the storage's studies with --study-name: once, twice"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_is_said(url, run, name):
    """One line that names what is there, for every name that is not."""
    arguments, expected = WRONG[name]
    assert expected in run("trials", "--storage", url, *arguments).complaint


def test_studies_refuse_unknown_names_too(url):
    """Family, state and replicate that no study of the storage can have."""
    storage = open_storage(url)
    for wanted, message in (
        (TrialFilter(family="one_cicle"), "did you mean 'one_cycle'"),
        (TrialFilter(state="done"), "state must be one of complete, pruned, running, waiting, fail, got 'done'"),
        (TrialFilter(replicate=7), r"\(0, 1\), got 7"),
    ):
        with pytest.raises(InputError, match=message):
            study_table(storage, wanted)
        with pytest.raises(InputError, match=message):
            list_trials(storage, "twice", wanted)


def test_people_read_points_and_programs_what_is_stored(url, run):
    """A fraction of 0.5 is 50.00 in the tables of trials and studies, and 0.5 in JSON and CSV."""
    for command, column in ((("trials", "--study-name", "once"), "value"), (("studies",), "best")):
        stored = json.loads(run(*command, "--storage", url, "--format", "json").out)[0][column]
        assert 0 < stored < 1
        assert f"{100 * stored:.2f}" in run(*command, "--storage", url).out
        assert str(stored) in run(*command, "--storage", url, "--format", "csv").out
