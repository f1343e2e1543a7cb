"""The end of what a run writes, however much that is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import IO

KEPT_BYTES = 65_536
"""Of what a run writes to standard output and error."""


class Tail:
    """Keeps the last 64 KiB of a stream."""

    def __init__(self) -> None:
        self._kept = bytearray()

    def read(self, stream: IO[bytes]) -> Iterator[bytes]:
        """Read a stream to its end, and close it; yield it in pieces."""
        with stream:
            while piece := os.read(stream.fileno(), KEPT_BYTES):
                self._kept += piece
                del self._kept[:-KEPT_BYTES]
                yield piece

    @property
    def text(self) -> str:
        """What is kept."""
        return bytes(self._kept).decode(errors="replace")
