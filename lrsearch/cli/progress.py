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
from lrsearch.text import plain, short_time

if TYPE_CHECKING:
    from lrsearch.confirmation.progress import ConfirmProgress
    from lrsearch.search.progress import SearchState

logger = logging.getLogger(__name__)

_PLAIN_SECONDS = 10.0
_FIRST_SHARE = 0.1
"""Of the work: a time left that is told before is wrong."""
_MOVING = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_MOST_REPORTS = 4
"""Of runs, in the line of a search's progress."""

errors = Console(stderr=True, highlight=False, soft_wrap=True)


class Progress:
    """One line that says how far a run is: it moves on a terminal, and is printed every ten seconds otherwise.

    Attributes:
        live: what shows it on a terminal; None elsewhere.
        told: what was said last of what is done.
    """

    def __init__(self) -> None:
        self.live: Live | None = None
        self.told = ""
        self._begun = self._phase_begun = time.monotonic()
        self._next_line = self._begun + _PLAIN_SECONDS
        self._parts = list[str]()

    @property
    def elapsed(self) -> float:
        """Seconds since this part of the work began."""
        return max(time.monotonic() - self._phase_begun, 1e-9)

    def phase(self, name: str) -> None:
        """Begin a part of the work, from which its pace is measured; its name is shown until there is more to say."""
        self._phase_begun = time.monotonic()
        self._show([name])

    def show(self, what: str, fraction: float, *, since: float = 0.0, more: Sequence[str] = ()) -> None:
        """Show a line: the share, what is done, the time left, and last what a narrow terminal may cut.

        The time left is told once a tenth of this part of the work is done.

        Args:
            what: what has been done.
            fraction: how much of the work is done, 0 to 1.
            since: the fraction at which this run began, from which its pace is measured.
            more: further parts, the most useful first.
        """
        done = (fraction - since) / (1 - since) if since < 1 else 1.0
        ending = [f"{short_time(self.elapsed * (1 - done) / done)} left"] if done >= _FIRST_SHARE else []
        self.told = what
        self._show([f"{fraction:4.0%}", what, *ending, *more])

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


def search_progress(shown: Progress, epochs: int) -> Callable[[SearchState], None]:
    """Return what a search calls after every epoch to show how far it is."""
    first: list[float] = []

    def show(state: SearchState) -> None:
        finished = state.complete + state.pruned
        if not first:
            first.append(finished / state.total)
        if not state.trial_epochs:  # processes that start import their libraries, and compile what is not cached
            shown.phase("starting: loading, and compiling where nothing is cached")
            return
        # Running trials count by the epochs they have had, so that the first minutes have an estimate too.
        begun = finished - first[0] * state.total
        partly = min(max(state.trial_epochs / epochs - begun, 0.0), state.running)
        best = [] if state.best is None else [f"best {text(state.metric.stored(state.best))} ({state.best_family})"]
        crashed = f"{state.crashed} crashed, " if state.crashed else ""
        what = f"{state.complete} done, {state.pruned} pruned, {crashed}{state.running} running of {state.total}"
        more = [*state.reports[:_MOST_REPORTS], *best, f"{state.trial_epochs / shown.elapsed:.2f} trial-epochs/s"]
        shown.show(what, min((finished + partly) / state.total, 1.0), since=first[0], more=more)

    return show


def confirm_progress(shown: Progress) -> Callable[[ConfirmProgress], None]:
    """Return what a confirmation calls after every epoch of a block."""
    first: list[float] = []

    def show(state: ConfirmProgress) -> None:
        fraction = state.fraction
        if not first:
            first.append(fraction)
            shown.phase("starting the processes")
        epochs = state.done * state.epochs + state.epochs_in_training
        what = f"{state.done} of {state.total} runs done, {epochs} of {state.total * state.epochs} epochs"
        shown.show(what, fraction, since=first[0])

    return show
