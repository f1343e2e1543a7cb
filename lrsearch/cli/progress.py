"""Progress with the time left, on standard error: a line that moves on a terminal, and is printed elsewhere."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live
from rich.text import Text

from lrsearch.processes.interruption import Interrupted
from lrsearch.tables import text
from lrsearch.text import counted, plain, short_time

if TYPE_CHECKING:
    from lrsearch.confirmation.progress import ConfirmProgress
    from lrsearch.search.progress import SearchState

logger = logging.getLogger(__name__)

_PLAIN_SECONDS = 10.0
_FIRST_SHARE = 0.1
"""Of the work: a time left that is told before is wrong."""
_MOVING = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_STARTING = "starting: loading, and compiling where nothing is cached"
"""Processes import their libraries before their first epoch."""
_MOST_REPORTS = 4
"""Of runs, in the line of a search's progress."""

errors = Console(stderr=True, highlight=False, soft_wrap=True)


class Pace:
    """How fast a part of the work goes, by the times at which some of it was done.

    The first piece is not measured: before it, processes start and compile, unless every piece has a start of its own.
    Work is done in pieces, such as an epoch of all lanes, and between them the time left is counted down.

    Attributes:
        rate: the work done in a second; None where it is not known yet.
    """

    def __init__(self) -> None:
        self.rate: float | None = None
        self._begun = time.monotonic()
        self._first: tuple[float, float] | None = None
        self._last = (0.0, 0.0)

    def seconds_left(self, done: float, left: float, *, starts: bool = False) -> float | None:
        """Return how long what is left takes; None before the first tenth is done, when any number would be wrong.

        `starts` says that every piece has a start of its own, as runs have.
        """
        now = time.monotonic()
        if done > self._last[1]:
            self._last = (now, done)
            self._first = self._first or ((self._begun, 0.0) if starts else self._last)
        if self._first is None or self._last == self._first:
            return None
        (begun, before), (at, last) = self._first, self._last
        self.rate = (last - before) / max(at - begun, 1e-9)
        if done < _FIRST_SHARE * (done + left):
            return None
        return max(0.0, left / self.rate - (now - at))


class Progress:
    """One line that says how far a run is: it moves on a terminal, and is printed every ten seconds otherwise.

    Attributes:
        live: what shows it on a terminal; None elsewhere.
        told: what was said last of what is done.
        pace: of the part of the work that is done now.
    """

    def __init__(self) -> None:
        self.live: Live | None = None
        self.told = ""
        self.pace = Pace()
        self._begun = time.monotonic()
        self._next_line = self._begun + _PLAIN_SECONDS
        self._parts, self._phase = list[str](), ""

    def phase(self, name: str) -> None:
        """Begin a part of the work; its name is shown until there is more to say."""
        if name != self._phase:
            self.pace, self._phase = Pace(), name
        self._show([name])

    def show(
        self,
        what: str,
        done: float,
        left: float,
        *,
        before: float = 0.0,
        more: Sequence[str] = (),
        unit: str = "",
        starts: bool = False,
    ) -> None:
        """Show a line: the share, what is done, the time left, and last what a narrow terminal may cut.

        Args:
            what: what has been done.
            done, left: how much of the work, in any unit, this start has done, and how much is left.
            before: what earlier starts have done.
            more: further parts, the most useful first.
            unit: of the work, for its pace; the pace is not shown without.
            starts: whether every piece of the work has a start of its own.
        """
        seconds, rate = self.pace.seconds_left(done, left, starts=starts), self.pace.rate
        ending = [] if seconds is None else [f"{short_time(seconds)} left"]
        more = [*more, f"{rate:.2f} {unit}/s"] if unit and rate is not None else more
        self.told = what
        self._show([f"{(before + done) / max(before + done + left, 1e-9):4.0%}", what, *ending, *more])

    def _show(self, parts: list[str]) -> None:
        self._parts = parts
        if self.live is not None:
            self.live.refresh()
        elif time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + _PLAIN_SECONDS
            logger.info(self._line())

    def _line(self) -> str:
        return " · ".join([*self._parts, f"{short_time(time.monotonic() - self._begun)} elapsed"])

    def __rich__(self) -> Text:
        moving = _MOVING[int(4 * (time.monotonic() - self._begun)) % len(_MOVING)]
        return Text(plain(f"{moving} {self._line()}"), no_wrap=True, overflow="ellipsis")


@contextmanager
def show_progress(first: str = "loading") -> Iterator[Progress]:
    """Show progress while the body runs; where it is interrupted, say what had been done by then.

    Args:
        first: the name of the first part of the work.
    """
    shown = Progress()
    with ExitStack() as stack:
        if errors.is_terminal:
            live = Live(get_renderable=shown.__rich__, console=errors, refresh_per_second=4, transient=True)
            shown.live = stack.enter_context(live)
        shown.phase(first)
        try:
            yield shown
        except (Interrupted, KeyboardInterrupt):
            if shown.told:
                logger.info(f"stopped at: {shown.told}")
            raise


def search_progress(shown: Progress) -> Callable[[SearchState], None]:
    """Return what a search calls after every epoch to show how far it is."""

    def show(state: SearchState) -> None:
        if not state.trial_epochs:
            shown.phase(_STARTING)
            return
        best = [] if state.best is None else [f"best {text(state.metric.stored(state.best))} ({state.best_family})"]
        crashed = f"{state.crashed} crashed, " if state.crashed else ""
        what = f"{state.complete} done, {state.pruned} pruned, {crashed}{state.running} running of {state.total}"
        unit = "reports" if state.reports else "trial-epochs"
        more, before = [*state.reports[:_MOST_REPORTS], *best], state.epochs_before
        shown.show(
            what, state.trial_epochs, state.epochs_left, before=before, more=more, unit=unit, starts=bool(state.reports)
        )

    return show


def confirm_progress(shown: Progress) -> Callable[[ConfirmProgress], None]:
    """Return what a confirmation calls after every epoch of a block."""
    first: list[int] = []

    def show(state: ConfirmProgress) -> None:
        epochs, all_epochs = state.done * state.epochs + state.epochs_in_training, state.total * state.epochs
        if not first:
            first.append(epochs)
        if epochs == first[0] < all_epochs:
            shown.phase(_STARTING)
            return
        what = f"{state.done} of {counted(state.total, 'run')} done, {epochs} of {counted(all_epochs, state.unit)}"
        shown.show(what, epochs - first[0], all_epochs - epochs, before=first[0], starts=state.unit == "report")

    return show
