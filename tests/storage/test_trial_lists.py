"""Lists of the newest trials: of one study, or of several replicates."""

import optuna
from optuna.trial import create_trial

from lrsearch.storage import newest_trials, open_storage


def test_a_list_of_several_replicates_holds_the_newest_of_each(folder) -> None:
    """The highest numbers over all replicates, in the order of the replicates and their numbers."""
    storage = open_storage("sqlite:///a.db")
    for name, trials in (("a/search-00", 3), ("a/search-01", 5)):
        study = optuna.create_study(study_name=name, storage=storage)
        study.add_trials([create_trial(value=0.5) for _ in range(trials)])
    listed = newest_trials(storage, ["a/search-00", "a/search-01"], most=4)
    assert [("a/search-00", 2), *[("a/search-01", n) for n in (2, 3, 4)]] == [(t.study, t.number) for t in listed]
