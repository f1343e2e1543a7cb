"""What is written in the background is written in order, and its errors are not lost."""

import threading

import pytest

from lrsearch.trials.writer import Writer


def test_calls_are_made_in_order_and_flush_waits_for_them() -> None:
    """Forty calls, a hold on the first one: after `flush` all were made, in the order given."""
    made: list[int] = []
    held = threading.Event()
    with Writer() as writer:
        writer.submit(held.wait, 10)
        for number in range(40):
            writer.submit(made.append, number)
        assert [] == made
        held.set()
        writer.flush()
        assert list(range(40)) == made


def test_an_error_is_raised_by_the_next_flush() -> None:
    """A write that fails is not forgotten."""
    with Writer() as writer:
        writer.submit(int, "no number")
        with pytest.raises(ValueError, match="no number"):
            writer.flush()


def test_a_call_that_is_still_pending_is_not_made_twice() -> None:
    """Heartbeats do not pile up before a slow storage; once it is made the call may come again."""
    made: list[int] = []
    held = threading.Event()

    def beat() -> None:
        made.append(1)

    with Writer() as writer:
        writer.submit(held.wait, 10)
        writer.submit_once(beat)
        writer.submit_once(beat)
        held.set()
        writer.flush()
        writer.submit_once(beat)
        writer.flush()
    assert [1, 1] == made
