"""One run of a stack: what it has said, and what the search has been told of that."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from lrsearch.records import off_the_means
from lrsearch.runs.messages import Done, Failed, Message, Report
from lrsearch.runs.process.running import Running, failure_of
from lrsearch.runs.spec import RunSpec
from lrsearch.training.lane import Crash, EpochMetrics, TestScores


@dataclass(eq=False)
class RunLane:
    """One run as a lane of a stack: its process, what the search has been told of it, and what it waits for."""

    spec: RunSpec
    running: Running | None = None  # None before it has been started
    attempts: int = 0
    epochs: int = 0  # of which the search has been told
    unanswered: Report | None = None  # for which the run waits
    pending: deque[EpochMetrics] = field(default_factory=deque)
    last: Report | None = None  # kept until the run has ended as it should
    since: float = 0.0
    begun: float = 0.0
    scores: TestScores | None = None
    failure: Failed | None = None  # until its process is gone
    crash: Crash | None = None
    finished: bool = False

    @property
    def busy(self) -> bool:
        """Whether the run takes up a place."""
        return self.running is not None and not self.finished

    @property
    def listens(self) -> bool:
        """Whether the run may have something to say."""
        return self.busy and self.failure is None

    def receive(self) -> Message:
        """Return what the run has said; that it has failed where it ended without a word."""
        running = self.running
        assert running is not None
        try:
            message: Message = running.connection.recv()
            return message
        except (EOFError, OSError):
            return failure_of(running)

    def take(self, report: Report, *, last: bool) -> None:
        """Take in a report; the `last` one is told when the run has ended as it should."""
        if last and math.isfinite(report.score):
            self.last = report
            return
        now = time.perf_counter()
        self.unanswered = report if report.waits else None
        self.tell(report, seconds=now - self.since)
        self.since = now

    def tell(self, report: Report, *, seconds: float, replayed: bool = False) -> None:
        """Tell the search of a report, which stands for all epochs since the last one."""
        until = report.epoch if math.isfinite(report.score) else max(report.epoch, self.epochs + 1)
        new = until - self.epochs
        more = {name: value for name, value in report.more.items() if name != "train_loss"}
        train_loss = report.more.get("train_loss")
        score = {} if report.test else {"select": report.score}
        for epoch in range(self.epochs + 1, until + 1):
            self.pending.append(EpochMetrics(epoch, train_loss, {}, score, seconds / new, more=more, replayed=replayed))
        self.epochs = max(self.epochs, until)

    def end(self, message: Done) -> Iterator[str]:
        """Take in that the run has ended, and yield what a person should read.

        Of a run that was told to end, or has diverged, the search knows already.
        """
        self.finished = True
        if message.note:
            yield message.note
        if self.last is not None:
            score, examples = self.last.score, self.last.per_example
            if examples is not None and off_the_means(score, examples):
                yield "the mean of per_example is not the score: intervals will hold for these test examples alone"
                examples = None
            self.scores = TestScores(score, per_example=examples)
            self.tell(self.last, seconds=time.perf_counter() - self.since)

    def fail(self, failure: Failed) -> None:
        """Take in that the run has failed, which has now to end."""
        assert self.running is not None
        self.running.expect_end()
        self.last, self.unanswered, self.failure = None, None, failure
