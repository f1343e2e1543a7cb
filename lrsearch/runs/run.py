"""Run: what a training function is given."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from numpy.typing import ArrayLike

from lrsearch.errors import InputError
from lrsearch.runs.checkpoints.kept import Kept
from lrsearch.runs.errors import Diverged, Pruned
from lrsearch.runs.messages import Channel, Done, Message, Report, Resumed
from lrsearch.runs.ranks import OneRank, Ranks
from lrsearch.runs.reports import NO_TEST_SET, Reports, scalar
from lrsearch.runs.spec import Purpose, RunSeeds, RunSpec
from lrsearch.runs.watched import Updates, WatchedSchedule
from lrsearch.schedules import Schedule, schedule_from_params
from lrsearch.text import counted

if TYPE_CHECKING:
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler


class Run:
    """One run of a training function: its schedule, its parameters and seeds, and whom it reports to.

    Steps are optimizer updates, counted from 0; `lr(t)` is the rate used by update t.

    Args:
        spec: the run.
        channel: to the search.
        ranks: of the run; the score of rank 0 counts.

    Attributes:
        last_score: the score reported last; NaN before the first report.
        parameters: a value for each name of the study file's `[parameters]`.
        seeds: init, order, split, evaluation and `order_of(epoch)`: the same for every family of a block.
        total_steps: the updates of the run, fixed in the study.
        reports: equal parts of the run, after each of which a report is due.
        folder: the run's own folder, for what other libraries write; it goes at the run's end.
    """

    def __init__(self, spec: RunSpec, channel: Channel, ranks: Ranks | None = None) -> None:
        schedule = schedule_from_params(spec.schedule)
        assert isinstance(schedule, Schedule)
        self._spec, self._channel, self._ranks = spec, channel, ranks or OneRank()
        self._schedule = WatchedSchedule.of(schedule)
        self._updates = Updates(self._schedule)
        self._position: int | None = None  # updates that are done, where epochs or steps count them
        self._reports = Reports(spec)
        self._ended: Pruned | Diverged | None = None
        self._kept: Kept | None = None
        self.last_score = math.nan
        self.parameters: Mapping[str, Any] = MappingProxyType(dict(spec.parameters))
        self.seeds: RunSeeds = spec.seeds
        self.total_steps = spec.total_steps
        self.reports = spec.reports
        self.asks_set = False  # which part of the data, or what for
        self.folder = Path(spec.folder, "files")
        if spec.folder:
            self.folder.mkdir(exist_ok=True)

    @property
    def schedule(self) -> Schedule:
        """The rate of every update, a pure function of the step."""
        return self._schedule

    def lr(self, step: int) -> float:
        """Return the rate of update `step`, counted from 0."""
        return float(self._schedule.lr(step))

    def scheduler(self, optimizer: Optimizer) -> LRScheduler:
        """Return a torch scheduler, to be stepped after every optimizer step.

        The first parameter group gets the schedule's rate, and every other one keeps its ratio to it.
        """
        return self._updates.scheduler(optimizer)

    def epochs(self, **stateful: Any) -> Iterator[int]:
        """Yield the epochs that are still to be trained: 0, 1, ... up to the study file's `[run] epochs`.

        Args:
            stateful: what is kept in checkpoints: anything with `state_dict` and `load_state_dict`, and generators.
        """
        return self._counted(self._spec.epochs, stateful)

    def steps(self, **stateful: Any) -> Iterator[int]:
        """Yield the updates that are still to be made, 0 .. total_steps - 1; `stateful` as for `epochs`."""
        return self._counted(self.total_steps, stateful)

    def _counted(self, count: int, stateful: Mapping[str, Any]) -> Iterator[int]:
        """Yield what is still to be done of a number of equal parts of the run."""
        standing = self._resume(stateful)
        for part in range(standing["parts"] if standing else 0, count):
            self._position = self.total_steps * (part + 1) // count
            yield part
            if self._kept and part + 1 < count and (count == self._spec.epochs or self.report_due(part)):
                self._keep(self._kept, parts=part + 1)

    def report_due(self, step: int) -> bool:
        """Return whether update `step` ends one of the run's equal parts, after each of which a report is due."""
        return self._spec.epoch_of(step + 1) > self._spec.epoch_of(step)

    @property
    def purpose(self) -> Purpose:
        """What the run is for: "search" or "confirm"."""
        self.asks_set = True
        return self._spec.purpose

    @property
    def evaluation_set(self) -> Literal["validation", "test"]:
        """On which data the next report is to be measured: "test" for the last report of a confirming run alone."""
        return self.evaluation_set_at(self._done)

    def evaluation_set_at(self, step: int) -> Literal["validation", "test"]:
        """Return on which data a report is to be measured that is given its step."""
        self.asks_set = True
        return "test" if self._spec.reads_test(step) else "validation"

    def report(
        self, score: float, *, step: int | None = None, per_example: ArrayLike | None = None, **more: float
    ) -> None:
        """Report the metric, measured on `evaluation_set`.

        Args:
            score: the metric; one that is not finite ends the run as diverged.
            step: how many updates are done; by default those that were counted.
            per_example: the scores whose mean `score` is `[examples]`, in the same order in every run: at the end of a
                confirming run, for intervals that hold for other examples too.
            more: further numbers for the report's curves, such as train_loss.

        Raises:
            Pruned: where the search ends the run.
            Diverged: for a score that is not finite.
            InputError: for a score that is no number, or steps that do not rise.
        """
        if self._ended is not None:
            raise self._ended
        step = self._done if step is None else step
        report = self._reports.make(score, step, per_example, more)
        report = replace(report, waits=self._reports.waits(report))

        def send() -> list[float]:
            return [report.score, self._channel.report(report)]

        self.last_score, ended = self._ranks.decide(f"a report at step {step}", send)
        self._reports.add(replace(report, score=self.last_score))
        if ended:
            self._ended = Pruned(f"pruned by the search after {step} of {counted(self.total_steps, 'update')}")
        elif not math.isfinite(self.last_score):
            self._ended = Diverged(f"the score is {self.last_score} after {counted(step, 'update')}")
        if self._ended is not None:
            raise self._ended

    def resume(self, **stateful: Any) -> int:
        """Go on from the last checkpoint in a loop that neither `epochs` nor `steps` counts.

        Returns:
            How many updates are done: 0 where there is no checkpoint.
        """
        standing = self._resume(stateful)
        return int(standing["done"]) if standing else 0

    def checkpoint(self, **stateful: Any) -> None:
        """Write down where the run stands, where it is time to: at most 1 % of the time goes into it.

        `epochs` and `steps` do so by themselves with what they are given.
        """
        if self._position is None:
            self._kept = self._kept or self._to_keep(stateful)
            self._keep(self._kept)

    @property
    def checkpoint_due(self) -> bool:
        """Whether the next `checkpoint` will write: for libraries that write one of their own before."""
        return self._kept is not None and self._kept.due()

    def end_at_next_checkpoint(self) -> bool:
        """Let the run end at the next place where its state is kept; return whether there is one."""
        if self._kept is None:
            return False
        self._kept.ending = True
        return True

    def _resume(self, stateful: Mapping[str, Any]) -> dict[str, Any] | None:
        """Load the checkpoint, and return where the run stood; None where there is none."""
        if not stateful:
            return None
        self._updates.require_kept(stateful)
        self._kept = self._to_keep(stateful)
        if (standing := self._kept.load()) is None:
            return None
        self._reports.resume(Report(*row) for row in standing["reports"])
        self.last_score = self._reports.score
        if self._reports.last is not None and self._ranks.rank == 0:
            self._channel.tell(Resumed(self._reports.made, float(standing["seconds"])))
        self._schedule.resume(int(standing["asked"]))
        return standing

    def _to_keep(self, stateful: Mapping[str, Any]) -> Kept:
        spec = self._spec
        return Kept(Path(spec.folder), spec.identity, spec.checkpoint_seconds, stateful, self._ranks)

    def _keep(self, kept: Kept, *, parts: int = 0) -> None:
        """Write a checkpoint where it is due; end the run where it was asked to."""
        kept.save(
            {
                "done": self._done,
                "parts": parts,
                "asked": self._schedule.last_asked,
                "reports": self._reports.to_rows(),
            }
        )

    @property
    def over(self) -> bool:
        """Whether the search has ended the run, or it has diverged."""
        return self._ended is not None

    def ended(self, by: Pruned | Diverged) -> Message:
        """Return what is to be told of a run that ended before its last update."""
        if isinstance(by, Diverged) and not isinstance(self._ended, Diverged):  # raised by the function itself
            return Report(self._reports.epoch + 1, self._done, math.nan)
        return Done()

    def finish(self, returned: object) -> str:
        """Check that the run has done what it should; return a note for people, empty where all is usual.

        Args:
            returned: what the training function returned: its last score, or None.

        Raises:
            InputError: if it has never reported or not to its end, returns another score, or has made more updates
                than total_steps or fewer than 99 % of them.
        """
        self._reports.require_end()
        if returned is not None and scalar("what it returns", returned) != self.last_score:
            raise InputError(f"it must return the score of its last report, {self.last_score}, got {returned}")
        self._updates.require_all()
        done = self._updates.done
        notes = [] if done == self.total_steps else [f"{done} of {counted(self.total_steps, 'update')} were made"]
        if self._spec.test and not self.asks_set:
            notes.append(NO_TEST_SET)
        return "; ".join(notes)

    @property
    def _done(self) -> int:
        return self._updates.done if self._position is None else self._position
