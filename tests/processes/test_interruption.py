"""Signals: training stops at once, a write to the storage is finished, and a second Ctrl-C does not wait."""

import signal
import sys
import threading
from collections.abc import Callable
from functools import partial
from unittest.mock import Mock

import pytest

from lrsearch.processes.interruption import STOP_SIGNALS, Interrupted, Interruption, asked_to_stop


def test_interrupted_is_no_error_of_the_input():
    """The command line tells an interruption from bad input."""
    assert not issubclass(Interrupted, ValueError)


def _train(interruption: Interruption, done: list[str], signum: int) -> None:
    with interruption.training():
        done.append("before")
        signal.raise_signal(signum)
        done.append("after")


@pytest.mark.parametrize("signum", STOP_SIGNALS)
def test_a_signal_in_training_is_obeyed_at_once(signum) -> None:
    """Nothing after it in the body is done."""
    done = []
    with Interruption.handled() as interruption:
        with pytest.raises(Interrupted):
            _train(interruption, done, signum)
        with pytest.raises(Interrupted):  # nor does another epoch begin
            interruption.check()
    assert ["before"] == done


def test_a_signal_that_falls_into_a_finaliser_is_not_lost_and_prints_nothing(monkeypatch) -> None:
    """Python drops what a finaliser raises: it is raised again at the next check; other errors are told as ever."""
    told: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda failed: told.append(failed.exc_value))

    class Finalised:
        def __init__(self, finaliser: Callable[[], object]) -> None:
            self._finaliser = finaliser

        def __del__(self) -> None:
            self._finaliser()

    error = ValueError("of a library")
    with Interruption.handled() as interruption:
        with interruption.training():
            Finalised(Mock(side_effect=error))
            Finalised(partial(signal.raise_signal, signal.SIGTERM))
        with pytest.raises(Interrupted):
            interruption.check()
    assert [error] == told


def test_a_signal_while_the_storage_is_written_waits_for_the_next_check() -> None:
    """What is being written is finished; training is not begun again."""
    done = []
    with Interruption.handled() as interruption:
        interruption.check()
        signal.raise_signal(signal.SIGTERM)
        done.append("written")
        with pytest.raises(Interrupted), interruption.training():
            done.append("trained")
    assert ["written"] == done


def test_a_second_ctrl_c_does_not_wait_for_the_storage() -> None:
    """A storage that hangs can be left; a second SIGTERM, which schedulers send, still waits."""
    with Interruption.handled():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_handlers_are_given_back_and_what_is_ignored_stays_ignored() -> None:
    """As in a background job or under nohup."""
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        handler = signal.getsignal(signal.SIGINT)
        with Interruption.handled():
            assert signal.SIG_IGN == signal.getsignal(signal.SIGTERM)
            assert handler != signal.getsignal(signal.SIGINT)
        assert handler == signal.getsignal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_thread_is_asked_to_stop_by_an_event() -> None:
    """No signal reaches it, and none is handled there."""
    said = []

    def work() -> None:
        event = threading.Event()
        asked_to_stop.set(event)
        with Interruption.handled() as interruption:
            interruption.check()
            event.set()
            try:
                interruption.check()
            except Interrupted:
                said.append("stopped")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert ["stopped"] == said
