"""Dead or alive, judged by what other machines write and by no clock."""

import threading
from datetime import UTC, datetime

import optuna
import pytest
from optuna.trial import TrialState, create_trial

from lrsearch.storage import worker_name
from lrsearch.trials.heartbeat import HEARTBEAT, Pulse, Watch, beat

FAR = "elsewhere:1:1"


class _Clock:
    seconds = 1e6

    def __call__(self) -> float:
        return self.seconds


def _running(number: int = 0, heartbeat: str | None = "first", epochs: int = 0, worker: str = FAR):
    trial = create_trial(
        state=TrialState.RUNNING,
        user_attrs={"worker": worker} | ({HEARTBEAT: heartbeat} if heartbeat else {}),
        intermediate_values=dict.fromkeys(range(1, epochs + 1), 0.5),
    )
    trial.number = number
    return trial


def _looks(watch: Watch, clock: _Clock, *trials, seconds: float, every: float) -> set[int]:
    """Look at the same trials again and again for `seconds`; return what the last look found."""
    silent: set[int] = set()
    for _ in range(int(seconds / every)):
        clock.seconds += every
        silent = watch.check(trials)
    return silent


def _watch() -> tuple[Watch, _Clock]:
    clock = _Clock()
    return Watch(grace_seconds=180.0, beat_seconds=60.0, clock=clock), clock


def test_a_trial_is_silent_after_the_grace_and_not_before() -> None:
    """Three minutes without a change, and the trial is taken for dead; until then it is in doubt."""
    watch, clock = _watch()
    assert set() == watch.check([_running()])
    assert set() == _looks(watch, clock, _running(), seconds=180, every=60)
    assert {0} == watch.in_doubt
    assert {0} == _looks(watch, clock, _running(), seconds=60, every=60)


def test_the_doubt_holds_while_another_thread_looks() -> None:
    """Who asks in the middle of a look hears of the last one: a search would else end without the trials in doubt."""
    watch, heard = _watch()[0], []
    watch.check([_running()])

    def running():
        heard.append(watch.in_doubt)
        yield _running()
        heard.append(watch.in_doubt)

    watch.check(running())
    assert [{0}, {0}] == heard


@pytest.mark.parametrize("change", [{"heartbeat": "second"}, {"epochs": 1}], ids=["heartbeat", "report"])
def test_any_change_is_a_sign_of_life(change) -> None:
    """A new heartbeat or a new report ends the doubt, and the silence counts from there."""
    watch, clock = _watch()
    watch.check([_running()])
    _looks(watch, clock, _running(), seconds=180, every=60)
    assert set() == _looks(watch, clock, _running(**change), seconds=60, every=60)
    assert set() == watch.in_doubt
    assert set() == _looks(watch, clock, _running(**change), seconds=180, every=60)
    assert {0} == _looks(watch, clock, _running(**change), seconds=60, every=60)


def test_an_hour_without_a_database_kills_no_trial() -> None:
    """From one look to the next no more than a heartbeat's pause is counted, however long this process was away."""
    watch, clock = _watch()
    watch.check([_running(0), _running(1)])
    assert set() == _looks(watch, clock, _running(0), _running(1), seconds=3 * 3600, every=3600)


def test_who_has_no_heartbeat_or_is_of_this_machine_is_not_judged() -> None:
    """A trial of plain `study.optimize` has none; of this machine's processes the system knows whether they live."""
    watch, clock = _watch()
    trials = [_running(0, heartbeat=None), _running(1, worker=worker_name())]
    watch.check(trials)
    assert set() == _looks(watch, clock, *trials, seconds=600, every=60)
    assert set() == watch.in_doubt


def test_a_heartbeat_changes_what_is_seen_of_a_trial() -> None:
    """What `beat` writes is what `Watch` reads."""
    study = optuna.create_study()
    trial = study.ask()
    beat(trial)
    written = study.get_trials()[0].user_attrs[HEARTBEAT]
    assert abs((datetime.now(UTC) - datetime.fromisoformat(written)).total_seconds()) < 60


def test_a_pulse_beats_until_its_context_ends() -> None:
    """The function is called again and again in another thread, and no more afterwards."""
    calls, thrice = [], threading.Event()

    def called() -> None:
        calls.append(threading.current_thread())
        if len(calls) == 3:
            thrice.set()

    with Pulse(0.01, called):
        assert thrice.wait(timeout=30)
    beats = len(calls)
    assert threading.main_thread() not in calls
    assert not thrice.wait(timeout=0.1) or beats == len(calls)
