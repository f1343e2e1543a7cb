"""A search whose process is killed after any of its writes comes to the parameters of an undisturbed one."""

from collections.abc import Callable
from typing import Any

import optuna
import pytest
from optuna.storages import InMemoryStorage
from optuna.study import Study
from optuna.trial import TrialState

from lrsearch.search.sampling import FamilySampler
from lrsearch.trials import asking, requeue
from lrsearch.trials.history import History
from tests.search.sampling_helpers import accuracy, make_space

WRITES = ("create_new_trial", "set_trial_param", "set_trial_state_values", "set_trial_user_attr")
EPOCHS = 2


class Killed(BaseException):
    """The end of a process."""


class DeadlyStorage(InMemoryStorage):
    """Kills the process after its write number `deadly`, and counts what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written, self.deadly = 0, 0


def _deadly(write: Callable[..., Any]) -> Callable[..., Any]:
    def writing(storage: DeadlyStorage, *arguments: Any, **named: Any) -> Any:
        result = write(storage, *arguments, **named)
        storage.written += 1
        if storage.written == storage.deadly:
            raise Killed
        return result

    return writing


for name in WRITES:
    setattr(DeadlyStorage, name, _deadly(getattr(InMemoryStorage, name)))


def _search(storage: DeadlyStorage, kind: str, *, trials: int, lanes: int) -> Study:
    """Search as a process of its own does, every trial of two epochs, until the total is reached."""
    space = make_space()
    sampler = FamilySampler(space, kind=kind, seed=3)
    study = optuna.create_study(
        storage=storage, study_name="s", sampler=sampler, direction="maximize", load_if_exists=True
    )
    history, running = History(study, gives_up=False), {}
    while True:
        while len(running) < lanes and (trial := asking.ask(history, trials)) is not None:
            running[trial.number] = (trial, space.suggest(trial), [])
        if not running:
            return study
        for number, (trial, params, epochs) in list(running.items()):
            epochs.append(accuracy(params))
            if len(epochs) == EPOCHS:
                study.tell(trial, epochs[-1])
                del running[number]


def _results(study: Study) -> list[str]:
    done = [trial for trial in study.get_trials(deepcopy=False) if trial.state == TrialState.COMPLETE]
    return sorted(str((trial.params, trial.value)) for trial in done)


@pytest.mark.parametrize(
    ("kind", "lanes", "trials"),
    [
        ("random", 1, 7),
        ("random", 2, 7),
        ("tpe", 1, 7),
        pytest.param("qmc", 2, 7, marks=pytest.mark.integration),
        pytest.param("gp", 1, 10, marks=pytest.mark.integration),
    ],
)
def test_killed_after_any_write_a_search_comes_to_the_same(monkeypatch, kind, lanes, trials) -> None:
    """Between a trial's beginning and its last parameter too: its draw is neither lost nor given twice."""
    process = 0
    monkeypatch.setattr(asking, "worker_name", lambda: str(process))
    monkeypatch.setattr(requeue, "is_dead", lambda name: name != str(process))
    monkeypatch.setattr(requeue, "_NAMELESS_SECONDS", -1.0)  # what has no name yet was left so by the killed process
    undisturbed = DeadlyStorage()
    expected = _results(_search(undisturbed, kind, trials=trials, lanes=lanes))
    assert trials == len(set(expected))
    for deadly in range(1, undisturbed.written + 1):
        storage = DeadlyStorage()
        storage.deadly = deadly
        process = 2 * deadly - 1
        with pytest.raises(Killed):
            _search(storage, kind, trials=trials, lanes=lanes)
        process = 2 * deadly
        assert expected == _results(_search(storage, kind, trials=trials, lanes=lanes)), f"killed after write {deadly}"
