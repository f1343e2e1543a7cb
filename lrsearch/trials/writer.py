"""Storage off the hot path: what is written waits in a queue while training continues."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any


class Writer:
    """Does what it is given in order, in a thread of its own; an error shows at the next `flush` or `keep_below`.

    Leaving its context waits for what is still to be written.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="lrsearch-writer")
        self._pending: deque[Future[Any]] = deque()
        self._last_of: dict[Callable[[], None], Future[None]] = {}

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown(wait=True)

    def submit(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Let `function(*arguments)` be called when what came before is done."""
        self._pending.append(self._thread.submit(function, *arguments))

    def submit_once(self, function: Callable[[], None]) -> None:
        """Let `function()` be called, unless an earlier call of it is still pending."""
        if function not in self._last_of or self._last_of[function].done():
            self._last_of[function] = self._thread.submit(function)
            self._pending.append(self._last_of[function])

    def keep_below(self, most: int) -> None:
        """Wait until no more than `most` calls are pending: so much is lost at worst if the process is killed."""
        # What is submitted meanwhile, by a thread of its own, is not waited for: it might never end.
        for _ in range(len(self._pending) - most):
            self._pending.popleft().result()

    def flush(self) -> None:
        """Wait until everything is written that has been submitted."""
        self.keep_below(0)
