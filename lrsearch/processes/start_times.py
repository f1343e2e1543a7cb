"""Where the time between a command and its first epoch goes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class StartTimes:
    """What came before the first epoch, in seconds, by part; of the process of the command.

    Other processes import and compile for themselves, which is a part of `first_epoch` alone.

    Attributes:
        imports: from the start of the process to that of the search, where it is a command's own.
        data: loading the workload and its data.
        storage: opening the database, and making or reading the study.
        timing: finding out what a trial costs here.
        kernels: compiling what trains, or loading it from the cache.
        first_epoch: from the start of the search until an epoch was reported; 0 where none was.
    """

    imports: float = 0.0
    data: float = 0.0
    storage: float = 0.0
    timing: float = 0.0
    kernels: float = 0.0
    first_epoch: float = 0.0

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Add the time that the body takes to a part."""
        begun = time.perf_counter()
        yield
        setattr(self, name, getattr(self, name) + time.perf_counter() - begun)

    def in_words(self) -> str:
        """Return the whole and its parts; the parts alone where no epoch was trained."""
        parts = {name: seconds for name, seconds in vars(self).items() if name != "first_epoch"}
        opening = "no epoch was trained"
        if self.first_epoch:
            whole = self.imports + self.first_epoch
            parts["the rest"] = max(0.0, whole - sum(parts.values()))
            opening = f"first epoch after {whole:.3g} s"
        return f"{opening}: {', '.join(f'{name} {s:.3g}' for name, s in parts.items())}"
