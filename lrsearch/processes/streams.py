"""Standard output and error of a command: closed, full, or unable to encode a character, they never end a run."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class _Output(io.FileIO):
    """A descriptor that keeps its first error, and drops what is written from then on."""

    def __init__(self, descriptor: int, error: OSError | None) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self.error, self.dropped = error, False

    def write(self, data: ReadableBuffer) -> int:
        if self.error is None:
            try:
                return super().write(data)
            except OSError as error:
                self.error = error
        self.dropped = True
        return memoryview(data).nbytes


@contextmanager
def patient_streams() -> Iterator[Callable[[], str]]:
    """Let the body write to standard output and error without an error; redirected streams are left alone.

    Yields:
        A function that returns why a part of the output was lost. It is empty if nothing was, or if the reader had
        enough, as `head` has.
    """
    _occupy_descriptors()
    before = sys.stdout, sys.stderr
    output = _replace("stdout", 1)
    _replace("stderr", 2)

    def problem() -> str:
        sys.stdout.flush()
        error = output.error if output is not None and output.dropped else None
        return "" if error is None or error.errno == errno.EPIPE else str(error.strerror)

    try:
        yield problem
    finally:
        sys.stdout.flush()
        sys.stdout, sys.stderr = before


def _occupy_descriptors() -> None:
    """Point closed standard descriptors at nothing, so that no database is opened under their numbers."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest free number, which is this one


def _replace(name: str, descriptor: int) -> _Output | None:
    stream: io.TextIOWrapper | None = getattr(sys, name)
    if stream is not getattr(sys, f"__{name}__"):
        return None
    raw = _Output(descriptor, OSError(errno.EBADF, "it is closed") if stream is None else None)
    line_buffering = stream is None or stream.line_buffering
    encoding = "utf-8" if stream is None else stream.encoding
    buffer = io.BufferedWriter(raw)
    text = io.TextIOWrapper(buffer, encoding=encoding, errors="backslashreplace", line_buffering=line_buffering)
    setattr(sys, name, text)
    return raw
