"""The process between a command and the search: `main` with the arguments DESCRIPTOR PARENT.

It starts the command, passes on what it reports and what it is answered, and ends it with all that it has started:
where the search says so, on SIGTERM, and where the search is gone.
"""

from __future__ import annotations

import math
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import IO, NoReturn

from lrsearch.errors import InputError
from lrsearch.runs.command.files import VARIABLE, RunFiles
from lrsearch.runs.command.lines import Finished, read_line
from lrsearch.runs.command.score import find_score, read_score
from lrsearch.runs.command.tree import ProcessTree
from lrsearch.runs.messages import Answer, Done, Message, Refused, Report, Resumed, Warned
from lrsearch.runs.process.tail import Tail
from lrsearch.runs.reports import Reports
from lrsearch.runs.spec import RunSpec

_LOOK_SECONDS = 0.005
_HEED_SECONDS = 5.0
"""From the answer that a run is to end to SIGTERM, which reaches those that do not wait for answers."""

_LINGER_SECONDS = 1.0
"""That processes of a command may take to end after it without a word."""


class Supervisor:
    """Watches over one run.

    Args:
        spec: the run.
        environment: of its command.
        connection: to the search.
    """

    def __init__(self, spec: RunSpec, environment: Mapping[str, str], connection: Connection) -> None:
        self._spec, self._connection = spec, connection
        self._files = RunFiles(Path(spec.folder))
        self._files.write(spec)
        self._written = Tail()
        self._tree = ProcessTree(
            spec.command,
            {**environment, VARIABLE: str(self._files.run)},
            subprocess.PIPE if spec.score_pattern else None,
        )
        self._copier: threading.Thread | None = None
        if self._tree.output is not None:
            self._copier = threading.Thread(target=self._copy, args=(self._tree.output,), daemon=True)
            self._copier.start()
        self._lines = self._files.reports.open("rb", buffering=0)
        self._unread = b""  # of a line that is not at its end yet
        self._reports = Reports(spec)
        self._waiting: int | None = None  # the step of a report that the search has still to answer
        self._finished: Finished | None = None
        self._term_at = self._kill_at = math.inf
        self._ended_at = 0.0
        self._ending = False  # whether the search knows already how the run ends

    def run(self) -> int:
        """Watch until the command and all that it has started are gone; return its exit code, 0 where it is known."""
        signal.signal(signal.SIGTERM, self._on_term)
        while True:
            self._heed()
            self._forward()
            self._tree.reap()
            if self._tree.exit_code is not None and not self._left_over():
                break
            self._press()
        if self._copier is not None:
            self._copier.join(_LINGER_SECONDS)
        self._forward(last=True)
        return self._conclude(self._tree.exit_code)

    def _on_term(self, _signum: int, _frame: FrameType | None) -> None:
        self._ending = True
        self._end(grace=0.0)
        if self._waiting is not None:  # so that the run comes to its checkpoint
            self._files.write_answer(Answer(self._reports.step, end=False))

    def _end(self, *, grace: float) -> None:
        """Let the run end: by SIGTERM after `grace` seconds, by SIGKILL after those of the run."""
        now = time.monotonic()
        self._term_at = min(self._term_at, now + grace)
        self._kill_at = min(self._kill_at, now + self._spec.grace_seconds)

    def _press(self) -> None:
        """Send the signals that are due."""
        now = time.monotonic()
        if now >= self._kill_at:
            self._tree.signal(signal.SIGKILL)
        elif now >= self._term_at:
            self._tree.signal(signal.SIGTERM)
            self._term_at = math.inf

    def _left_over(self) -> bool:
        """Return whether the command, which has ended, has left processes; they are ended as well."""
        left = self._tree.members()
        self._ended_at = self._ended_at or time.monotonic()
        if left and self._kill_at == math.inf and time.monotonic() - self._ended_at > _LINGER_SECONDS:
            self._send(Warned(f"it ended and left {len(left)} of its processes, which are ended too"))
            self._end(grace=0.0)
        return bool(left)

    def _heed(self) -> None:
        """Wait a moment for the search, and pass its answer on."""
        try:
            if self._connection.poll(_LOOK_SECONDS):
                self._answer(self._connection.recv())
        except (EOFError, OSError):
            self._ending, self._kill_at = True, 0.0
            time.sleep(_LOOK_SECONDS)

    def _answer(self, answer: Answer) -> None:
        if answer.end:
            self._ending = True
            self._end(grace=_HEED_SECONDS)
        reported = self._reports.last is not None
        if reported and (answer.end or self._waiting is None or answer.step >= self._waiting):
            self._waiting = None
            self._write_answer(Answer(self._reports.step, answer.end))

    def _write_answer(self, answer: Answer) -> None:
        try:
            self._files.write_answer(answer)
        except OSError as error:  # the disk is full, or the script has removed the folder: it goes on unanswered
            self._send(Warned(f"the answer to a report cannot be written: {error}"))

    def _forward(self, *, last: bool = False) -> None:
        """Pass on what the command has reported; a line that is not at its end yet is left for later."""
        new = self._lines.read()
        if not new and not last:
            return
        *lines, self._unread = (self._unread + new).split(b"\n")
        for line in [*lines, self._unread] if last else lines:
            if not line.strip() or self._ending:
                continue
            try:
                said = read_line(line.decode(errors="replace"), self._spec, after=self._reports.step)
            except InputError as error:
                said = Refused(str(error))
            self._say(said)

    def _say(self, said: Message | Finished) -> None:
        if isinstance(said, Finished):
            self._finished = said
        elif isinstance(said, Refused):
            self._refuse(said.reason)
        elif isinstance(said, Report):
            self._report(said)
        else:
            if isinstance(said, Resumed):
                self._reports.resume(said.reports)
            self._send(said)

    def _report(self, report: Report) -> None:
        report = replace(report, waits=self._reports.waits(report))
        self._reports.add(report)
        self._send(report)
        if report.waits:
            self._waiting = report.step
        elif self._waiting is None:
            self._write_answer(Answer(report.step, end=not math.isfinite(report.score)))
        if not math.isfinite(report.score):
            self._end(grace=_HEED_SECONDS)

    def _refuse(self, reason: str) -> None:
        self._send(Refused(f"{self._spec.training}: {reason}"))
        self._ending = True
        self._end(grace=0.0)

    def _send(self, message: Message) -> None:
        with suppress(OSError):  # the search is gone, which is seen at the next look
            self._connection.send(message)

    def _conclude(self, exit_code: int) -> int:
        """Tell the search how the run has ended; return the exit code that says it where nothing was told."""
        if self._ending:
            return 0
        last = self._reports.last
        if last is not None and not math.isfinite(last.score):
            self._send(Done())
            return 0
        if exit_code != 0:
            return exit_code
        try:
            if last is None and (score := self._score()) is not None:
                if self._spec.reports > 1:
                    raise InputError(
                        f"it never reports and has one score: set [run] reports = 1, got {self._spec.reports}"
                    )
                report = self._reports.make(score, self._spec.total_steps, None, {})
                self._reports.add(report)
                self._send(report)
            self._reports.require_end()
            if self._finished is not None and self._finished.problem:
                raise InputError(self._finished.problem)
        except InputError as error:
            self._refuse(str(error))
        else:
            self._send(Done(self._finished.note if self._finished else ""))
        return 0

    def _score(self) -> float | None:
        """Return the score of a command that never reports; None where there is none either."""
        if self._files.score.exists():
            return read_score(self._files.score)
        pattern = self._spec.score_pattern
        return None if pattern is None else find_score(pattern, self._written.text)

    def _copy(self, stream: IO[bytes]) -> None:
        """Write what the command writes to this process's own output, and keep its end."""
        for piece in self._written.read(stream):
            sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()


def main() -> NoReturn:
    """Watch over the run that is told through the pipe."""
    connection = Connection(int(sys.argv[1]))
    data, environment = connection.recv()
    spec = RunSpec.from_json(data)
    try:
        supervisor = Supervisor(spec, environment, connection)
    except OSError as error:
        connection.send(Refused(f"command {spec.command[0]!r} cannot be started: {error.strerror or error}"))
        sys.exit(0)
    _end_as(supervisor.run())


def _end_as(exit_code: int) -> NoReturn:
    """End this process as the command has ended."""
    if exit_code < 0:
        signal.signal(-exit_code, signal.SIG_DFL)
        signal.raise_signal(-exit_code)
    sys.exit(exit_code)
