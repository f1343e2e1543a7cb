"""What one run keeps of itself: a checkpoint, written beside and renamed, read as plain data and tensors alone."""

from __future__ import annotations

import logging
import re
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lrsearch.runs.checkpoints.pace import Pace
from lrsearch.runs.checkpoints.state import collected, require_stateful, restore
from lrsearch.runs.errors import Stopped
from lrsearch.runs.ranks import Ranks

logger = logging.getLogger(__name__)

_FORMAT = 1
_IMPORT_SECONDS = 2.0
"""What a first checkpoint takes in a run that has not imported torch."""


class Kept:
    """The checkpoint of a run; one that cannot be written or read never ends it.

    Args:
        folder: of the run.
        identity: of the run; the checkpoint of another one is ignored.
        pause_seconds: from one time that it is written to the next, at least.
        stateful: the run's objects, by name.
        ranks: of the run; each keeps its own checkpoint, and all write in the same moment.

    Attributes:
        ending: whether the run is to end when its state has been written.
    """

    def __init__(
        self, folder: Path, identity: str, pause_seconds: float, stateful: Mapping[str, Any], ranks: Ranks
    ) -> None:
        require_stateful(stateful)
        self._ranks = ranks
        name = f"checkpoint-{ranks.rank}.pt" if ranks.rank else "checkpoint.pt"
        self._path, self._identity, self._stateful = folder / name, identity, stateful
        cost = 0.0 if "torch" in sys.modules else _IMPORT_SECONDS
        self._pace = Pace(pause_seconds, cost_seconds=cost)
        self._begun, self._seconds_before = time.monotonic(), 0.0
        self._complained = False
        self._due_since: float | None = None
        self.ending = self._stopping = False

    def due(self) -> bool:
        """Return whether it is time to write; what is done from now on until it is written counts as its cost."""
        if self._due_since is None:
            due, self._stopping = self._ranks.decide("a checkpoint", self._judged)
            if due:
                self._due_since = time.perf_counter()
        return self._due_since is not None

    def _judged(self) -> list[bool]:
        """Return whether it is time to write, and whether the run is to end then."""
        return [self.ending or self._pace.due(), self.ending]

    def save(self, standing: Mapping[str, Any]) -> None:
        """Write the states of the objects and where the run stands, where it is time to.

        Raises:
            Stopped: where the run is to end.
        """
        if self.due():
            self._write({**standing, "seconds": self._seconds_before + time.monotonic() - self._begun})
        if self._stopping:
            raise Stopped

    def _write(self, standing: Mapping[str, Any]) -> None:
        import torch

        content = {"format": _FORMAT, "identity": self._identity, "standing": standing, **collected(self._stateful)}
        beside = self._path.with_name(f".{self._path.name}")
        try:
            with beside.open("wb") as file:
                torch.save(content, file)
            beside.replace(self._path)
        except (OSError, RuntimeError) as error:  # torch.save raises RuntimeError where a disk is full
            if not self._complained:
                logger.warning(f"checkpoint {self._path} cannot be written: {error}")
            self._complained = True
        assert self._due_since is not None
        self._pace.spent(time.perf_counter() - self._due_since)
        self._due_since = None

    def load(self) -> dict[str, Any] | None:
        """Give the objects their states, and return where the run stood; None where there is no checkpoint of it.

        A file that cannot be read is ignored with a warning. One whose states the objects do not take is removed, so
        that the run, tried once more, starts over.

        Raises:
            Exception: what an object raises that does not take its state.
        """
        content = self._read()
        standing: dict[str, Any] = content["standing"] if content else {}
        if not self._ranks.all_same(f"a checkpoint of {standing.get('done', 0)} updates"):
            logger.warning(f"checkpoints of the run in {self._path.parent} are of different steps: it starts over")
            return None
        if content is None:
            return None
        try:
            restore(self._stateful, content)
        except Exception:
            self._path.unlink(missing_ok=True)
            raise
        self._seconds_before = float(standing["seconds"])
        return standing

    def _read(self) -> dict[str, Any] | None:
        """Return what the checkpoint holds; None where there is none of this run that can be read."""
        if not self._path.exists():
            return None
        import torch

        try:
            content: dict[str, Any] = torch.load(self._path, map_location="cpu", weights_only=True)
            if (content["format"], content["identity"]) != (_FORMAT, self._identity):
                raise ValueError("it is of another run")
        except Exception as error:  # a damaged file fails in many ways
            reason = re.split(r"\. |\n", str(error))[0] or type(error).__name__  # torch goes on for pages
            logger.warning(f"checkpoint {self._path} cannot be loaded ({reason}): the run starts over")
            return None
        return content
