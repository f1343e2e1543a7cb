"""Whether processes of other machines still live: judged by what they write, never by a machine's clock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from optuna.trial import FrozenTrial, Trial

from lrsearch.storage import is_elsewhere

HEARTBEAT = "heartbeat"
"""The user attribute that a running trial's process writes again every minute; its value only has to change."""

BEAT_SECONDS = 60.0
GRACE_SECONDS = 180.0


def heartbeat() -> str:
    """Return what the attribute is to hold now."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def beat(trial: Trial) -> None:
    """Let other machines see that the process of a running trial lives.

    Raises:
        UpdateFinishedTrialError: if another process has failed the trial.
    """
    trial.set_user_attr(HEARTBEAT, heartbeat())


@dataclass
class _Sight:
    sign: tuple[object, ...]
    silent_seconds: float = 0.0
    changed: bool = False


@dataclass(eq=False)
class Watch:
    """Remembers when the running trials of other machines last changed, between two checks of this process.

    A trial is silent when neither its heartbeat nor its reports have changed for the grace, counted on this process's
    own monotonic clock; from one check to the next at most `beat_seconds` are counted. So neither a clock that is set
    nor a database that was away for an hour makes living trials look dead. Trials that never had a heartbeat (of plain
    `study.optimize`) are left alone.
    """

    grace_seconds: float = GRACE_SECONDS
    beat_seconds: float = BEAT_SECONDS
    clock: Callable[[], float] = time.monotonic
    _sights: dict[int, _Sight] = field(init=False, default_factory=dict)
    _looked: float = field(init=False, default=0.0)

    def check(self, running: Iterable[FrozenTrial]) -> set[int]:
        """Take in the running trials as they are now; return the numbers of those silent for longer than the grace."""
        now = self.clock()
        passed, self._looked = min(now - self._looked, self.beat_seconds), now
        sights = dict[int, _Sight]()
        for trial in running:
            if HEARTBEAT not in trial.user_attrs or not is_elsewhere(str(trial.user_attrs.get("worker", ""))):
                continue
            sign = (trial.user_attrs[HEARTBEAT], trial.last_step)
            sight = self._sights.get(trial.number)
            if sight is None or sight.sign != sign:
                sight = _Sight(sign, changed=sight is not None)
            else:
                sight.silent_seconds += passed
            sights[trial.number] = sight
        self._sights = sights  # all at once: another thread may ask for those in doubt at any moment
        return {number for number, sight in self._sights.items() if sight.silent_seconds > self.grace_seconds}

    @property
    def in_doubt(self) -> set[int]:
        """The trials of other machines that have not been seen to change lately, and so may be dead."""
        return {
            number
            for number, sight in self._sights.items()
            if not sight.changed or sight.silent_seconds > self.beat_seconds
        }


class Pulse:
    """Calls a function again and again while its context lasts, in a thread of its own.

    Args:
        seconds: the pause between two calls; the first comes after one.
        beat: what is called; it must not raise.
    """

    def __init__(self, seconds: float, beat: Callable[[], None]) -> None:
        self._seconds, self._beat = seconds, beat
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lrsearch-pulse", daemon=True)

    def __enter__(self) -> Pulse:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._seconds):
            self._beat()
