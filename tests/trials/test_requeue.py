"""Runs that were cut short: nothing finished is lost, nothing that ran is forgotten, nothing is counted twice."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing, suppress
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import optuna
import pytest
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from lrsearch.processes.interruption import Interrupted
from lrsearch.search import loop
from lrsearch.trials import requeue
from lrsearch.trials.asking import ask
from lrsearch.trials.history import History, is_copy, origin_of
from lrsearch.trials.requeue import requeue_lost
from tests.search.run_helpers import JOURNAL, families, finished, make_config, signal_in, states, stored
from tests.search.run_helpers import search as search_in_sqlite
from tests.search.run_helpers import search_in_journal as search

HERE = Path(__file__).parent.parent.parent
FLAGS = ("--trials", "300", "--epochs", "8", "--lanes", "3", "--workers", "1", "--device", "cpu", "--pruner", "none")


def _key(params: dict[str, object]) -> tuple[tuple[str, object], ...]:
    return tuple(sorted(params.items()))


def _waiting(study) -> list[FrozenTrial]:
    return study.get_trials(states=(TrialState.WAITING,))


def _queued(study) -> Counter[tuple[tuple[str, object], ...]]:
    """Return the parameters in the queue."""
    return Counter(_key(trial.system_attrs["fixed_params"]) for trial in _waiting(study))


def _taken_up(before, study) -> None:
    """Check that every parameter that waited was run exactly once, to its end, and nothing twice."""
    done = Counter(_key(trial.params) for trial in finished(study))
    assert before
    assert {1} == {done[params] for params in before}
    assert {1} == set(done.values())
    assert {"RUNNING": 0, "WAITING": 0} == {name: states(study)[name] for name in ("RUNNING", "WAITING")}


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_an_interrupted_search_is_taken_up_where_it_was(folder, signum) -> None:
    """Running trials fail as interrupted and are queued; the next run trains those parameters and reaches N."""
    config = make_config(search__pruner="none")
    with pytest.raises(Interrupted):
        search_in_sqlite(config, 9, on_epoch=signal_in(3, signum))
    study = stored()
    assert {"COMPLETE": 3, "FAIL": 3, "WAITING": 3} == states(study)
    failed = study.get_trials(states=(TrialState.FAIL,))
    assert ["interrupted"] * 3 == [trial.user_attrs["stop_reason"] for trial in failed]
    assert Counter(_key(trial.params) for trial in failed) == _queued(study)
    assert [trial.number for trial in failed] == [trial.user_attrs["retry_of"] for trial in _waiting(study)]
    before, values = _queued(study), [trial.values for trial in finished(study)]
    study = search_in_sqlite(config, 9)
    assert {"COMPLETE": 9, "FAIL": 3} == states(study)
    assert {"constant": 3, "cosine": 3, "one_cycle": 3} == families(study)
    assert values == [trial.values for trial in finished(study)][:3]
    _taken_up(before, study)


def test_a_trial_taken_up_again_gives_what_it_would_have_given(folder) -> None:
    """An interrupted and continued search has the same trials as one that was never interrupted."""
    config = make_config(search__pruner="none", search__sampler="random")
    with pytest.raises(Interrupted):
        search(config, 6, on_epoch=signal_in(3, signal.SIGTERM))
    continued = search(config, 6)
    whole = search(config, 6, database="whole.log")
    results = [{_key(trial.params): trial.values for trial in finished(study)} for study in (whole, continued)]
    assert results[0] == results[1]


def test_a_trial_interrupted_twice_is_queued_once(folder) -> None:
    """However often a run is cut short, the parameters are run once, and the total is exact."""
    config = make_config(search__pruner="none", training__epochs=3)
    for _ in range(2):
        with pytest.raises(Interrupted):
            search(config, 6, on_epoch=signal_in(1, signal.SIGTERM))
    study = stored(JOURNAL)
    assert {"FAIL": 6, "WAITING": 3} == states(study)
    assert {0, 1, 2} == {trial.user_attrs["retry_of"] for trial in _waiting(study)}  # the first of their kind
    before = _queued(study)
    study = search(config, 6)
    assert 6 == len(finished(study))
    _taken_up(before, study)


def test_running_again_continues_and_repeats_no_parameters(folder) -> None:
    """`--trials` is the total: the same command again does nothing, a larger number continues, none is drawn twice."""
    config = make_config()
    assert 3 == len(finished(search(config, 3)))
    assert 3 == len(search(config, 3).get_trials())
    assert 3 == len(search(config, 2).get_trials())
    study = search(config, 12)
    assert 12 == len(study.get_trials()) == len(finished(study))
    assert 12 == len({_key(trial.params) for trial in study.get_trials()})
    assert {"constant": 4, "cosine": 4, "one_cycle": 4} == families(study)


def test_a_time_limit_ends_cleanly(folder, monkeypatch) -> None:
    """Finished trials are stored, running ones queued, and the next run reaches the total."""
    calls = []
    clock = SimpleNamespace(monotonic=lambda: 1e9 * (len(calls) >= 3), perf_counter=time.perf_counter)
    monkeypatch.setattr(loop, "time", clock)
    config = make_config(search__pruner="none")
    study = search(config, 9, timeout_seconds=1e6, on_epoch=calls.append)
    assert {"COMPLETE": 3, "FAIL": 3, "WAITING": 3} == states(study)
    before = _queued(study)
    study = search(config, 9)
    assert 9 == len(finished(study))
    _taken_up(before, study)


def test_an_error_in_training_loses_nothing(folder) -> None:
    """However the run ends, by an error of user code too, the running trials are queued."""

    def on_epoch(_: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        search(make_config(), 6, on_epoch=on_epoch)
    study = stored(JOURNAL)
    assert {"FAIL": 3, "WAITING": 3} == states(study)


@pytest.mark.integration
def test_trials_of_a_killed_process_are_taken_back(folder) -> None:
    """SIGKILL leaves trials running for ever; the next run on this machine sees that their process is dead."""
    program = (
        "from tests.search.run_helpers import make_config, search, signal_in\n"
        "search(make_config(search__pruner='none'), 9, on_epoch=signal_in(3, 9))\n"
    )
    killed = _start("-c", program)
    _, errors = killed.communicate(timeout=120)
    assert -signal.SIGKILL == killed.returncode, errors
    study = stored()
    assert {"COMPLETE": 3, "RUNNING": 3} == states(study)
    left = study.get_trials(states=(TrialState.RUNNING,))
    before = Counter(_key(trial.params) for trial in left)
    study = search_in_sqlite(make_config(search__pruner="none"), 9)
    assert {"COMPLETE": 9, "FAIL": 3} == states(study)
    assert {TrialState.FAIL} == {study.get_trials()[trial.number].state for trial in left}
    _taken_up(before, study)


def test_copies_that_two_processes_left_do_not_wait_for_ever(folder) -> None:
    """Of the copies of one trial none waits where the trial has finished, and one where it has not."""
    study = search(make_config(), 3)
    done, cut_short = study.get_trials()[0], study.ask()
    study.tell(cut_short, state=TrialState.FAIL)
    lost = {"family": "constant", "base_lr": 0.123, "warmup_steps": 1}
    for origin, params in ((done.number, done.params), (cut_short.number, lost), (cut_short.number, lost)):
        study.enqueue_trial(params, user_attrs={"retry_of": origin})
    study.enqueue_trial({"base_lr": 0.2})  # queued by a user
    search(make_config(), 3)
    assert ["FAIL", "WAITING", "FAIL", "WAITING"] == [trial.state.name for trial in study.get_trials()[4:]]
    assert {"COMPLETE": 5, "FAIL": 3} == states(search(make_config(), 5))


def test_a_process_that_died_between_asking_and_beginning_loses_nothing(folder, monkeypatch) -> None:
    """A trial without a process's name on it is given some seconds; then its queued parameters are queued again."""
    study = search(make_config(), 3)
    study.tell(study.ask(), state=TrialState.FAIL)
    study.enqueue_trial({"family": "constant", "base_lr": 0.123, "warmup_steps": 1}, user_attrs={"retry_of": 3})
    nameless = study.ask()
    assert "RUNNING" == search(make_config(), 3).get_trials()[nameless.number].state.name
    monkeypatch.setattr(requeue, "_NAMELESS_SECONDS", 0.0)
    study = search(make_config(), 6)
    assert {"COMPLETE": 6, "FAIL": 2} == states(study)
    (again,) = [trial for trial in finished(study) if trial.params["base_lr"] == 0.123]
    assert 3 == again.user_attrs["retry_of"]


def test_waiting_for_a_trial_without_a_name_blames_no_other_machine(folder, monkeypatch, caplog) -> None:
    """It may be this machine's own, begun a moment ago, so a run that has nothing else to do waits without a word."""
    search(make_config(), 3).ask()
    monkeypatch.setattr(requeue, "_NAMELESS_SECONDS", 1.0)
    assert {"COMPLETE": 4, "FAIL": 1} == states(search(make_config(), 4))
    assert "other machines" not in caplog.text


def test_a_clock_that_was_set_back_keeps_no_process_waiting(folder, monkeypatch) -> None:
    """A trial without a name that seems to begin in an hour is given up like one that began an hour ago."""
    study = search(make_config(), 3)
    nameless = study.ask()
    earlier = datetime.now() - timedelta(hours=1)
    monkeypatch.setattr(requeue, "datetime", SimpleNamespace(now=lambda: earlier))
    assert 1 == requeue.requeue_lost(History(study))
    assert "FAIL" == study.get_trials()[nameless.number].state.name


def test_trials_of_a_living_process_are_left_alone(folder) -> None:
    """A trial that another run trains at this moment is neither failed nor counted as finished."""
    study = search(make_config(), 3)
    other = study.ask()
    other.set_user_attr("worker", f"{os.uname().nodename}-elsewhere:1:1")
    study = search(make_config(), 6)
    assert "RUNNING" == study.get_trials()[other.number].state.name
    assert 5 == len(finished(study))


def _start(*arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": str(HERE)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _wait_until_two_are_finished(process: "subprocess.Popen[str]") -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until and process.poll() is None:
        time.sleep(0.1)
        with suppress(sqlite3.OperationalError), closing(sqlite3.connect("file:lrsearch.db?mode=ro", uri=True)) as read:
            if read.execute("SELECT COUNT(*) FROM trials WHERE state = 'COMPLETE'").fetchone()[0] >= 2:
                return
    pytest.fail(f"no two trials were finished: {process.communicate()}")


@pytest.mark.integration
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_a_signal_to_the_command_ends_it_with_code_130(study_file, signum) -> None:
    """One line and no traceback; what was finished is stored, and what ran is queued."""
    process = _start("-m", "lrsearch", "optimize", str(study_file), *FLAGS)
    try:
        _wait_until_two_are_finished(process)
        process.send_signal(signum)
        out, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (130, "") == (process.returncode, out)
    assert "lrsearch: interrupted; everything finished so far is stored, and the same" in errors.splitlines()[-1]
    assert "Traceback" not in errors
    study = stored()
    counted = states(study)
    assert counted["COMPLETE"] >= 2
    assert (0, counted["FAIL"]) == (counted["RUNNING"], counted["WAITING"])
    assert {"interrupted"} >= {t.user_attrs["stop_reason"] for t in study.get_trials(states=(TrialState.FAIL,))}


PARAMS = {"family": "constant", "base_lr": 0.1}


def _lost_study() -> optuna.Study:
    """Return a study whose trial 0 was failed as lost by a process that died before it queued the trial again."""
    study = optuna.create_study()
    study.enqueue_trial(PARAMS)
    lost = study.ask()
    lost.set_user_attr("stop_reason", "lost")
    study.tell(lost, state=TrialState.FAIL)
    return study


FAR = "elsewhere:1:1"


def test_a_trial_that_was_failed_and_not_queued_is_queued_by_the_next() -> None:
    """A process may die between the two; the next process that asks finishes its work, once."""
    study = _lost_study()
    assert (0, 0) == (requeue_lost(History(study)), requeue_lost(History(study)))
    again = ask(History(study), total=5)
    assert (1, 0) == (again.number, again.user_attrs["retry_of"])
    assert 2 == len(study.get_trials())


def test_a_silent_trial_is_taken_back_with_its_reason() -> None:
    """It fails as lost, its parameters wait, and the copy knows under which number they first ran."""
    study = optuna.create_study()
    study.enqueue_trial(PARAMS)
    trial = study.ask()
    trial.set_user_attr("worker", FAR)
    assert 0 == requeue_lost(History(study))
    assert 1 == requeue_lost(History(study), {trial.number})
    lost, waiting = study.get_trials()
    assert (TrialState.FAIL, "lost") == (lost.state, lost.user_attrs["stop_reason"])
    assert (TrialState.WAITING, 0) == (waiting.state, waiting.user_attrs["retry_of"])


DEAD = "no-such-host-of-ours:1:1"


def _lose(study: Study, history: History, epochs: int) -> None:
    """Ask for a trial, let it report some epochs, and let its process die."""
    trial = study.ask({"x": optuna.distributions.FloatDistribution(0, 1)})
    trial.set_user_attr("worker", DEAD)
    for epoch in range(1, epochs + 1):
        trial.report(0.5, epoch)
    requeue_lost(history, {trial.number})


def test_a_trial_that_is_lost_twice_at_one_epoch_is_not_tried_again(caplog) -> None:
    """A configuration that kills its process has one retry; one that gets further each time is resumed."""
    study = optuna.create_study()
    history = History(study)
    _lose(study, history, epochs=2)
    _lose(study, history, epochs=3)
    (copy,) = study.get_trials(states=(TrialState.WAITING,))
    assert is_copy(copy)
    assert 0 == origin_of(copy)
    assert not caplog.messages
    _lose(study, history, epochs=3)
    assert [] == study.get_trials(states=(TrialState.WAITING,))
    assert [
        "trial 2 was lost with its process again, at the same epoch: its parameters are given up"
    ] == caplog.messages
