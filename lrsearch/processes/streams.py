"""Standard output and error of a command: closed, full, or unable to encode a character, they never end a run."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
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
def patient_streams() -> Iterator[None]:
    """Let the body write to standard output and error without an error; redirected streams are left alone."""
    _occupy_descriptors()
    before = sys.stdout, sys.stderr
    _replace("stdout", 1)
    _replace("stderr", 2)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stdout, sys.stderr = before


def output_problem() -> str:
    """Return why a part of standard output was lost among patient streams.

    It is empty if nothing was, or if the reader had enough, as `head` has.
    """
    sys.stdout.flush()
    output = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    error = output.error if isinstance(output, _Output) and output.dropped else None
    return "" if error is None or error.errno == errno.EPIPE else str(error.strerror)


def _occupy_descriptors() -> None:
    """Point closed standard descriptors at nothing, so that no database is opened under their numbers."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest free number, which is this one


def _replace(name: str, descriptor: int) -> None:
    stream: io.TextIOWrapper | None = getattr(sys, name)
    if stream is not getattr(sys, f"__{name}__"):
        return
    raw = _Output(descriptor, OSError(errno.EBADF, "it is closed") if stream is None else None)
    line_buffering = stream is None or stream.line_buffering
    encoding = "utf-8" if stream is None else stream.encoding
    buffer = io.BufferedWriter(raw)
    text = io.TextIOWrapper(buffer, encoding=encoding, errors="backslashreplace", line_buffering=line_buffering)
    setattr(sys, name, text)
