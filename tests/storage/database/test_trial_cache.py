"""The cache answers as Optuna's own does, with any writers."""

from concurrent.futures import ThreadPoolExecutor

import optuna
from optuna.storages import InMemoryStorage
from optuna.trial import TrialState

from lrsearch.storage import as_last_read, open_storage
from lrsearch.storage.database.trial_cache import cached

ASKED = (None, (TrialState.WAITING,), (TrialState.RUNNING, TrialState.WAITING), (TrialState.COMPLETE, TrialState.FAIL))


def test_lists_are_optunas_while_two_processes_write(folder) -> None:
    """By number and by state, after every step of two studies that share a database."""
    storage = open_storage("sqlite:///a.db")
    plain = optuna.create_study(study_name="a", storage=storage)
    one, two = (optuna.load_study(study_name="a", storage=cached(storage)) for _ in range(2))

    def compare() -> None:
        for study in (one, two):
            for states in ASKED:
                expected = plain.get_trials(deepcopy=False, states=states)
                assert repr(expected) == repr(study.get_trials(deepcopy=False, states=states))

    compare()
    first, second, third = one.ask(), two.ask(), one.ask()
    compare()
    one.enqueue_trial({"x": 1.0})
    two.tell(second, 1.0)
    compare()
    third.report(0.5, 1)
    one.tell(third, state=TrialState.PRUNED)
    assert two.ask().number == 3  # the one in the queue
    compare()
    one.tell(first, state=TrialState.FAIL)
    compare()


def test_lists_are_copies_only_if_asked_for(folder) -> None:
    """Optuna's `deepcopy` is kept."""
    study = optuna.create_study(storage=cached(open_storage("sqlite:///a.db")))
    study.tell(study.ask(), 1.0)
    assert study.get_trials(deepcopy=False)[0] is study.get_trials(deepcopy=False)[0]
    assert study.get_trials()[0] is not study.get_trials(deepcopy=False)[0]


def test_what_was_just_read_is_not_read_again(folder) -> None:
    """In the body, and in this thread alone; a trial made in it is known, one that waits is asked for again."""
    storage = open_storage("sqlite:///a.db")
    one, two = (optuna.create_study(study_name="a", storage=cached(storage), load_if_exists=True) for _ in range(2))
    one.enqueue_trial({"x": 1.0})
    one.get_trials()
    with as_last_read(one), ThreadPoolExecutor(1) as pool:
        two.tell(two.ask(), 1.0)  # the one in the queue
        assert [TrialState.WAITING] == [trial.state for trial in one.get_trials()]
        assert [TrialState.COMPLETE] == [trial.state for trial in pool.submit(one.get_trials).result()]
        assert 1 == one.ask().number
    assert [TrialState.COMPLETE, TrialState.RUNNING] == [trial.state for trial in one.get_trials()]


def test_other_storages_have_no_cache(folder) -> None:
    """They know their trials themselves."""
    storage = InMemoryStorage()
    assert cached(storage) is storage
