"""Ctrl-C, SIGTERM and SIGHUP: training stops at once, a write to the storage is always finished."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType

STOP_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""What asks a run to stop: Ctrl-C, a scheduler or `kill`, a terminal that is closed."""

asked_to_stop: ContextVar[threading.Event | None] = ContextVar("asked_to_stop", default=None)
"""Where training runs in a thread, which no signal reaches: the event that asks it to stop."""


class Interrupted(Exception):
    """The run was asked to stop; everything finished is stored."""


class Interruption:
    """Turns signals into `Interrupted`, at once while training, else at the next `check`."""

    def __init__(self) -> None:
        self.requested = False
        self._at_once = False

    def _handle(self, signum: int, _frame: FrameType | None) -> None:
        if self.requested and signum == signal.SIGINT and not self._at_once:
            raise KeyboardInterrupt  # a second Ctrl-C does not wait for the storage
        self.requested = True
        if self._at_once:
            self._at_once = False
            raise Interrupted

    def check(self) -> None:
        """Raise Interrupted if a signal has come, or if this thread was asked to stop."""
        asked = asked_to_stop.get()
        if self.requested or (asked is not None and asked.is_set()):
            raise Interrupted

    @contextmanager
    def training(self) -> Iterator[None]:
        """Let a signal interrupt the body at once: it must not touch the storage."""
        self.check()
        self._at_once = True
        try:
            yield
        finally:
            self._at_once = False

    @classmethod
    @contextmanager
    def handled(cls) -> Iterator[Interruption]:
        """Handle the STOP_SIGNALS in the body.

        Python drops what is raised in a finaliser: nothing is said of it here, and the next `check` raises it again.
        A signal that is ignored stays ignored, as in a background job or under nohup. Outside the main thread nothing
        is handled.
        """
        interruption = cls()
        if threading.current_thread() is not threading.main_thread():
            yield interruption
            return
        heeded = [signum for signum in STOP_SIGNALS if signal.getsignal(signum) != signal.SIG_IGN]
        before = {signum: signal.signal(signum, interruption._handle) for signum in heeded}
        unraisable = sys.unraisablehook
        sys.unraisablehook = lambda failed: None if isinstance(failed.exc_value, Interrupted) else unraisable(failed)
        try:
            yield interruption
        finally:
            sys.unraisablehook = unraisable
            for signum, handler in before.items():
                signal.signal(signum, handler)
