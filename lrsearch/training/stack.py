"""Train many lanes at once: admit, run an epoch, release, refill."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from itertools import groupby
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lrsearch.training.data import Part, TrainingData
from lrsearch.training.evaluation import evaluate
from lrsearch.training.lane import Checkpoint, Crash, EpochMetrics, Lane, LaneStack, TestScores
from lrsearch.training.model import StackedModel
from lrsearch.training.optimizers.rule import UpdateRule
from lrsearch.training.row import Row
from lrsearch.training.trainer import Trainer
from lrsearch.workloads import Split, Workload

_PARTS = ("select", "report")

_LAST_WEIGHTS = "more {} of the last weights"
"""The curve of the validation score beside that of the average."""


class Stack:
    """Trains lanes on one split of the data; each gives the same result alone, in any company, and from its checkpoint.

    Args:
        model: the architecture of all lanes.
        workload: its loss and metric evaluate the lanes.
        data: on the device where everything runs.
        rule: the optimizer that all lanes share.
        batch_size: examples per update.
        dtype: of parameters and rates.
    """

    def __init__(
        self,
        model: StackedModel,
        workload: Workload,
        data: TrainingData,
        rule: UpdateRule,
        *,
        batch_size: int,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self._workload, self._data = workload, data
        self._trainer = Trainer(model, workload, data.fit, rule, batch_size=batch_size, dtype=dtype)
        self._rows: dict[int, Row] = {}
        self.steps_per_epoch = self._trainer.steps_per_epoch

    def beside(self, split: Split) -> Stack:
        """Return an empty stack on another split of the same data, for `run_together` with this one."""
        other = copy(self)
        other._data, other._rows = self._data.on(split), {}
        return other

    @property
    def stackable(self) -> bool:
        """Whether lanes train side by side; a model that cannot be stacked trains them one after the other."""
        return self._trainer.model.stackable

    def __len__(self) -> int:
        return len(self._rows)

    def admit(
        self,
        key: int,
        lane: Lane,
        checkpoint: Checkpoint | None = None,
        *,
        folder: Path | None = None,  # noqa: ARG002  (it keeps nothing by itself)
    ) -> None:
        """Add a lane under `key`, from its initial state or from where its checkpoint left it."""
        if key in self._rows:
            raise ValueError(f"key must be new to the stack, got {key}, which is training")
        self._rows[key] = self._trainer.row(lane, self._data.fit.index, checkpoint)

    def release(self, key: int) -> None:
        """Drop the lane `key`; its place is free at once."""
        del self._rows[key]

    def checkpoint(self, key: int) -> Checkpoint:
        """Return where lane `key` stands after its last epoch."""
        return self._rows[key].checkpoint()

    def go_on(self) -> None:
        """Do nothing: lanes train within `run_epoch` alone."""

    def run_epoch(self, parts: Sequence[str] = _PARTS) -> dict[int, EpochMetrics]:
        """Train every lane for one epoch and evaluate it on `parts` of the data; return its metrics by key."""
        return _run_epoch([self], parts)[0]

    def evaluate(self, key: int, part: str) -> TestScores:
        """Return the loss and the scores of `part` for lane `key`, those of its examples in the data set's order."""
        losses, scores = self._evaluate(self._trainer.judged([self._rows[key]], epoch=-1), self._data.parts[part])
        if self._workload.metric_over == "set":
            return TestScores(float(scores[0]), float(losses[0]))
        per_example = scores[0].cpu().numpy().astype(np.float32)
        return TestScores(float(per_example.mean()), float(losses[0]), per_example)

    def crashes(self) -> dict[int, Crash]:
        """Return nothing: an error in one lane ends them all."""
        return {}

    def close(self) -> None:
        """Do nothing: lanes that are dropped leave nothing behind."""

    def _evaluated(self, rows: Sequence[Row], parts: Sequence[str]) -> tuple[list[str], list[Tensor]]:
        """Return the names and the columns `[N]` of what rows score on parts of the data, after an epoch."""
        judged = self._trainer.judged(rows)
        names: list[str] = []
        columns: list[Tensor] = []
        for name, part in self._data.held_out(parts):
            losses, scores = self._evaluate(judged, part)
            names += [f"{name} loss", f"{name} score"]
            columns += [losses, scores.to(torch.float64).mean(1)]
            if name == "select" and rows[0].rule.average is not None:
                _, scores = self._evaluate(torch.stack([row.params for row in rows]), part)
                names.append(_LAST_WEIGHTS.format(self._workload.metric_name))
                columns.append(scores.to(torch.float64).mean(1))
        return names, columns

    def _evaluate(self, params: Tensor, part: Part) -> tuple[Tensor, Tensor]:
        return evaluate(self._trainer.model, self._workload, params, part)


def run_together(stacks: Sequence[LaneStack]) -> list[dict[int, EpochMetrics]]:
    """Train every lane of stacks for one epoch and evaluate it, each on its own split; return the metrics by stack.

    Args:
        stacks: one of any kind, or several of which all but the first were made by its `beside`.
    """
    of_lanes = [stack for stack in stacks if isinstance(stack, Stack)]
    return [stacks[0].run_epoch()] if len(stacks) == 1 else _run_epoch(of_lanes, _PARTS)


def _run_epoch(stacks: Sequence[Stack], parts: Sequence[str]) -> list[dict[int, EpochMetrics]]:
    trainer = stacks[0]._trainer
    places = [(number, key) for number, stack in enumerate(stacks) for key in stack._rows]
    metrics: list[dict[int, EpochMetrics]] = [{} for _ in stacks]
    for group in trainer.groups([stacks[number]._rows[key] for number, key in places]):
        members = [places[place] for place in group]
        # Copies, so that an interruption leaves every lane at an epoch boundary: the one before or the one after.
        before = [stacks[number]._rows[key] for number, key in members]
        rows = [row.copied() for row in before]
        losses, tables, names = trainer.train(rows), [], ["train"]
        for number, of_stack in groupby(range(len(rows)), key=lambda i: members[i][0]):
            mine = list(of_stack)
            held_out, columns = stacks[number]._evaluated(rows[mine[0] : mine[-1] + 1], parts)
            names = ["train", *held_out]
            tables.append(torch.stack([losses[mine[0] : mine[-1] + 1], *columns], 1))
        # The one time in an epoch that the processor waits for the device.
        table = torch.cat(tables).cpu().numpy()
        for (number, key), row, values in zip(members, rows, table, strict=True):
            metrics[number][key] = row.settled(dict(zip(names, map(float, values), strict=True)))
            stacks[number]._rows[key] = row
    return metrics
