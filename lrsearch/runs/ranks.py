"""The ranks of one run: the processes of distributed training, which all call it and must all do the same."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

from lrsearch.errors import InputError
from lrsearch.runs.messages import MOST_WAIT_SECONDS

T = TypeVar("T")
JOIN_SECONDS = 60.0
_LOOK_SECONDS = 0.002


class Ranks(Protocol):
    """What the ranks of a run decide together."""

    rank: int

    def decide(self, what: str, first: Callable[[], T]) -> T:
        """Return on all ranks what `first` gives on rank 0, as plain data; `what` all of them are about to do.

        Raises:
            InputError: if not all ranks join, or they are about to do different things.
        """
        ...

    def all_same(self, what: str) -> bool:
        """Return, on all ranks, whether `what` is the same on all of them."""
        ...


class OneRank:
    """A run of one process."""

    rank = 0

    def decide(self, what: str, first: Callable[[], T]) -> T:  # noqa: ARG002
        """Return what `first` gives."""
        return first()

    def all_same(self, what: str) -> bool:  # noqa: ARG002
        """Return True."""
        return True


class SeveralRanks:
    """Ranks that meet in a folder, started by any program and sharing nothing else.

    Args:
        folder: of the run's ranks.
        rank: of this process, from 0.
        count: of ranks.
        start: of those that were started together; a launcher that starts them again counts up.
    """

    def __init__(self, folder: Path, rank: int, count: int, *, start: str = "0") -> None:
        self._folder, self.rank, self._count, self._start = folder, rank, count, start
        self._meeting = 0

    def decide(self, what: str, first: Callable[[], T]) -> T:
        """Return on all ranks what `first` gives on rank 0."""

        def decided(others: list[str]) -> T:
            for rank, other in enumerate(others):
                if other != what:
                    raise InputError(f"all ranks must do the same: rank 0 comes to {what}, and rank {rank} to {other}")
            return first()

        return self._meet(what, decided)

    def all_same(self, what: str) -> bool:
        """Return, on all ranks, whether `what` is the same on all of them."""
        return self._meet(what, lambda others: len(set(others)) == 1)

    def _meet(self, what: str, decided: Callable[[list[str]], T]) -> T:
        self._meeting += 1
        if self.rank > 0:
            self._write(f"{self.rank}", what)
            said: T = self._read("decided", what, JOIN_SECONDS + MOST_WAIT_SECONDS)
            return said
        until = time.monotonic() + JOIN_SECONDS
        others = [self._read(f"{rank}", what, until - time.monotonic()) for rank in range(1, self._count)]
        decision = decided([what, *others])
        self._write("decided", decision)
        return decision

    def _write(self, name: str, said: object) -> None:
        path = self._folder / f"{self._start}-{name}"
        beside = path.with_name(f".{path.name}")
        beside.write_text(json.dumps([self._meeting, said]), encoding="utf-8")
        beside.replace(path)

    def _read(self, name: str, what: str, seconds: float) -> Any:
        """Wait for what another rank says in this meeting."""
        until = time.monotonic() + seconds
        while True:
            try:
                meeting, said = json.loads((self._folder / f"{self._start}-{name}").read_text(encoding="utf-8"))
            except FileNotFoundError:
                meeting, said = 0, None
            if meeting == self._meeting:
                return said
            if time.monotonic() > until:
                missing = "0" if name == "decided" else name
                raise InputError(
                    f"rank {missing} of {self._count} did not join {what} within {JOIN_SECONDS:g} seconds: every rank "
                    "must call run.report, and loop over run.epochs or run.steps"
                )
            time.sleep(_LOOK_SECONDS)


def ranks_in(folder: Path, environment: Mapping[str, str] = os.environ) -> Ranks:
    """Return the ranks of a run, as torchrun and others name them: RANK, WORLD_SIZE and TORCHELASTIC_RESTART_COUNT."""
    count = int(environment.get("WORLD_SIZE") or 1)
    if count <= 1:
        return OneRank()
    start = environment.get("TORCHELASTIC_RESTART_COUNT") or "0"
    return SeveralRanks(folder, int(environment.get("RANK") or 0), count, start=start)
