"""A stored study: found by its name or because it is the only one, with all of its parts."""

import pytest

from lrsearch.config import StudyConfig
from lrsearch.errors import InputError, RunError
from lrsearch.export.stored import best_trials
from lrsearch.metric import ACCURACY, Metric
from lrsearch.names import confirmation_name
from lrsearch.records import TrialRecord
from lrsearch.storage import (
    StoredStudy,
    StudyPart,
    create_study,
    load_study,
    open_storage,
)
from lrsearch.storage.attributes import StudyAttributes
from lrsearch.storage.stored_study import resolve_name

CONFIG = StudyConfig(name="study")


def _create(storage, name="study", config=CONFIG, fingerprint="abc", **attributes):
    return create_study(storage, name, config, metric=ACCURACY, data_fingerprint=fingerprint, attributes=attributes)


def test_a_study_is_found_by_name_or_because_it_is_the_only_one(folder) -> None:
    """Confirmations do not count as searches; where there are several, they are listed."""
    storage = open_storage("sqlite:///a.db")
    with pytest.raises(InputError, match="there are none"):
        StoredStudy.read(storage)
    _create(storage)
    _create(storage, confirmation_name("study"))
    assert "study" == StoredStudy.read(storage).name
    assert "study" == StoredStudy.read(storage, "study/confirm").name
    with pytest.raises(InputError, match="no study 'stud' in this storage; there are: study, study/confirm"):
        load_study(storage, "stud")
    _create(storage, "second")
    with pytest.raises(InputError, match=r"--study-name: .*second"):
        StoredStudy.read(storage)


def _part(name, *trials, metric=ACCURACY, **attributes):
    """Return a part that holds trials of (family, value), by number."""
    made = [
        TrialRecord(number, "complete" if value is not None else "pruned", family, value=value, **more)
        for number, (family, value, more) in enumerate(trials)
    ]
    return StudyPart(name, CONFIG, StudyAttributes(**attributes), metric=metric, read=lambda: made)


def _row(family, value, **more):
    return family, value, more


def test_trials_are_ranked_over_all_searches_and_the_earlier_of_equals_is_first() -> None:
    """Pruned trials have no place; the best of each family is found in whichever search it is."""
    first = _part("tab/search-00", _row("cosine", 0.7), _row("linear", 0.9), _row("cosine", None))
    second = _part("tab/search-01", _row("cosine", 0.9), _row("linear", 0.9))
    study = StoredStudy("tab", (first, second))
    places = [(part.name[-2:], record.number) for part, record in study.ranked()]
    assert [("00", 1), ("01", 0), ("01", 1), ("00", 0)] == places
    assert {"linear": first, "cosine": second} == {f: part for f, (part, _) in study.best_by_family().items()}
    assert [0.9, 0.7] == [record.value for _, record in study.ranked("cosine")]
    assert [second] == list(study.only("tab/search-01").searches)
    assert study is study.only("tab")


def test_where_lower_is_better_the_least_is_first() -> None:
    """As the search has it."""
    study = StoredStudy(
        "tab", (_part("tab", _row("cosine", 0.7), _row("linear", 0.9), metric=Metric("loss", "minimize", "units")),)
    )
    assert ["cosine", "linear"] == list(study.best_by_family())


def test_a_trial_that_diverged_is_never_the_best() -> None:
    """Also where its stand-in would be the least of a loss; a family of nothing else has no best."""
    loss = Metric("loss", "minimize", "units")
    lost = {"stop_reason": "diverged"}
    part = _part("tab", _row("cosine", 0.1, **lost), _row("cosine", 0.7), _row("linear", 0.2, **lost), metric=loss)
    study = StoredStudy("tab", (part,))
    assert [1] == [record.number for _, record in study.ranked()]
    assert {"cosine": [0.7]} == part.values_by_family
    with pytest.raises(RunError, match=r"nothing to export: 1 complete trial of linear in 'tab' diverged"):
        best_trials(study, "linear")
    runs = [
        _row("calm", 0.5, block=0, test_accuracy=0.5),
        _row("calm", 0.5, block=1, test_accuracy=0.5),
        _row("wild", 0.1, block=0, **lost),
        _row("wild", 0.2, block=1, test_accuracy=0.2),
    ]
    confirmed = StoredStudy("tab", confirmation=_part("tab/confirm", *runs, metric=loss))
    assert ["calm", "wild"] == [record.family for _, record in confirmed.ranked_candidates()]
    assert 4 == len(confirmed.confirmed().runs)


def test_candidates_are_ranked_by_their_mean_without_controls() -> None:
    """Each stands as its first run; without a confirmation there are none."""
    runs = [("a", 0, 0.5), ("b", 0, 0.9), ("twin", 0, 1.0), ("a", 1, 0.7), ("b", 1, 0.1), ("twin", 1, 1.0)]
    rows = [_row(name, value, block=block, test_accuracy=value) for name, block, value in runs]
    part = _part("tab/confirm", *rows, controls={"twin": {"kind": "aa", "of": "a"}})
    study = StoredStudy("tab", confirmation=part)
    assert [("a", 0), ("b", 1)] == [(record.family, record.number) for _, record in study.ranked_candidates()]
    assert part is study.first is study.confirmed()
    assert [] == StoredStudy("tab").ranked_candidates()
    with pytest.raises(InputError, match="'tab' has not been confirmed: run lrsearch confirm first"):
        StoredStudy("tab").confirmed()


@pytest.mark.parametrize(
    ("names", "name", "base"),
    [
        (["tab/search-00", "tab/confirm"], None, "tab"),
        (["tab/search-00", "b"], "tab", "tab"),
        (["tab/search-00", "b"], "tab/search-00", "tab"),
    ],
)
def test_a_name_or_the_only_name_stands_for_a_study(names, name, base) -> None:
    """A part stands for the whole."""
    assert base == resolve_name(names, name)
