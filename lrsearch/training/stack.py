"""Train many lanes at once: admit, run an epoch, release, refill."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import groupby
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lrsearch.training.data import Part, TrainingData, epoch_order
from lrsearch.training.evaluation import evaluate
from lrsearch.training.lane import Checkpoint, Crash, EpochMetrics, Lane, TestScores
from lrsearch.training.model import StackedModel
from lrsearch.training.modules.draws import default_generator, step_seeds
from lrsearch.training.optimizers import UpdateRule, settings_columns
from lrsearch.training.parameter_groups import column_factors
from lrsearch.training.program import EpochProgram
from lrsearch.workloads import Workload

_ORDERS_KEPT = 32


@dataclass(eq=False)
class _Row:
    lane: Lane
    params: Tensor
    state: list[Tensor]
    epoch: int = 0
    select_loss: list[float] = field(default_factory=list)


class Stack:
    """Trains lanes side by side; each gives the same result alone, in any company, and from its checkpoint.

    On the CPU lanes in the same epoch of the same order form a group that shares its batches. On a GPU all lanes form
    one group, padded to few widths, so that few CUDA graphs serve every number of lanes.

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
        self._model, self._workload, self._data, self._rule = model, workload, data, rule
        self._batch_size, self._dtype = batch_size, dtype
        self._device, self._on_gpu = data.fit.x.device, data.fit.x.is_cuda
        self._factors = column_factors(workload, rule.no_decay, device=self._device, dtype=dtype)
        self._rows: dict[int, _Row] = {}
        # No graph leaves anything alive in the pool, so all of them may use the same memory.
        self._pool = torch.cuda.graph_pool_handle() if self._on_gpu else None
        self._programs: dict[tuple[int, bool], EpochProgram] = {}
        examples, device = len(data.fit), self._device
        self.steps_per_epoch = examples // batch_size
        if self.steps_per_epoch == 0:
            raise ValueError(f"batch_size must be at most the {examples} examples to fit, got {batch_size}")

        @lru_cache(maxsize=_ORDERS_KEPT)  # lanes that are behind come to the same orders later
        def order(order_seed: int, epoch: int) -> Tensor:
            return torch.from_numpy(epoch_order(order_seed, epoch, examples, batch_size)).to(device)

        self._order = order

    @property
    def stackable(self) -> bool:
        """Whether lanes train side by side; a model that cannot be stacked trains them one after the other."""
        return self._model.stackable

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
        if checkpoint is None:
            params = self._model.init(lane.init_seed).to(self._device, self._dtype)
            zeros = params.new_zeros(self._model.trainable)
            self._rows[key] = _Row(lane, params, [zeros.clone() for _ in range(self._rule.state_count)])
        else:
            params = checkpoint.params.to(self._device, self._dtype)
            state = [s.to(self._device, self._dtype) for s in checkpoint.state]
            self._rows[key] = _Row(lane, params, state, checkpoint.epoch, list(checkpoint.select_loss))

    def release(self, key: int) -> None:
        """Drop the lane `key`; its place is free at once."""
        del self._rows[key]

    def checkpoint(self, key: int) -> Checkpoint:
        """Return where lane `key` stands after its last epoch."""
        row = self._rows[key]
        state = tuple(s.cpu().clone() for s in row.state)
        return Checkpoint(row.params.cpu().clone(), state, row.epoch, tuple(row.select_loss))

    def run_epoch(self, parts: Sequence[str] = ("select", "report")) -> dict[int, EpochMetrics]:
        """Train every lane for one epoch and evaluate it on `parts` of the data; return its metrics by key."""
        metrics: dict[int, EpochMetrics] = {}
        for keys in self._groups():
            # Copies, so that an interruption leaves every lane at an epoch boundary: the one before or the one after.
            rows = [replace(row, select_loss=[*row.select_loss]) for row in map(self._rows.__getitem__, keys)]
            names, columns = ["train"], [self._train(rows)]
            for name, part in self._data.held_out(parts):
                losses, scores = self._evaluate(rows, part)
                names += [f"{name} loss", f"{name} score"]
                columns += [losses, scores.to(torch.float64).mean(1)]
            # The one time in an epoch that the processor waits for the device.
            table = torch.stack(columns, 1).cpu().numpy()
            for key, row, values in zip(keys, rows, table, strict=True):
                metrics[key] = self._settled(row, dict(zip(names, map(float, values), strict=True)))
                self._rows[key] = row
        return metrics

    def _settled(self, row: _Row, values: dict[str, float]) -> EpochMetrics:
        """Count the epoch of a row, and return what it left."""
        loss = {name.removesuffix(" loss"): value for name, value in values.items() if name.endswith(" loss")}
        score = {name.removesuffix(" score"): value for name, value in values.items() if name.endswith(" score")}
        row.epoch += 1
        row.select_loss.append(loss.get("select", float("nan")))
        return EpochMetrics(row.epoch, values["train"], loss, score)

    def evaluate(self, key: int, part: str) -> TestScores:
        """Return the loss and the scores of `part` for lane `key`, those of its examples in the data set's order."""
        losses, scores = self._evaluate([self._rows[key]], self._data.parts[part])
        if self._workload.metric_over == "set":
            return TestScores(float(scores[0]), float(losses[0]))
        per_example = scores[0].cpu().numpy().astype(np.float32)
        return TestScores(float(per_example.mean()), float(losses[0]), per_example)

    def crashes(self) -> dict[int, Crash]:
        """Return nothing: an error in one lane ends them all."""
        return {}

    def close(self) -> None:
        """Do nothing: lanes that are dropped leave nothing behind."""

    def _groups(self) -> Iterator[list[int]]:
        """Yield the keys of the lanes that are trained together."""
        if not self._model.stackable:
            yield from ([key] for key in self._rows)
        elif self._on_gpu or not self._model.gains_from_shared_batches:
            yield from [list(self._rows)] if self._rows else []
        else:
            phase = {key: (row.lane.order_seed, row.epoch) for key, row in self._rows.items()}
            for _, keys in groupby(sorted(self._rows, key=lambda key: phase[key]), key=lambda key: phase[key]):
                yield list(keys)

    def _train(self, rows: Sequence[_Row]) -> Tensor:
        """Run one epoch of these rows in place; return their mean training losses `[N]`."""
        batches_per_lane = len({(row.lane.order_seed, row.epoch) for row in rows}) > 1
        padded = [*rows, *[rows[0]] * (self._width(len(rows)) - len(rows))]
        rates = [row.lane.schedule.epoch_lr(row.epoch, self.steps_per_epoch, row.select_loss) for row in padded]
        params = torch.stack([row.params for row in padded])
        updates = params.new_tensor([[row.epoch * self.steps_per_epoch] for row in padded])
        program = self._program(len(padded), batches_per_lane)
        draws = self._model.draws or self._workload.augment is not None
        with self._seeded(rows):
            after, state, losses = program.run(
                params,
                [torch.stack([row.state[k] for row in padded]) for k in range(self._rule.state_count)],
                settings_columns([row.lane.settings for row in padded], params),
                updates,
                torch.from_numpy(np.stack(rates)).to(self._device, self._dtype),
                self._batches(padded if batches_per_lane else padded[:1]),
                [step_seeds(row.lane.init_seed, row.epoch, self.steps_per_epoch) for row in padded if draws],
            )
        for i, row in enumerate(rows):
            row.params = after[i]
            row.state = [s[i] for s in state]
        return losses[: len(rows)]

    def _batches(self, rows: Sequence[_Row]) -> Tensor:
        """Return the batches of the rows' epochs `[rows, steps, B]`; an order that several read is drawn once."""
        return torch.stack([self._order(row.lane.order_seed, row.epoch) for row in rows])

    def _width(self, lanes: int) -> int:
        """Return the width of the program for a number of lanes: on a GPU one of four for each doubling."""
        if not self._on_gpu:
            return lanes
        step = 1 << max(0, lanes.bit_length() - 3)
        return -(-lanes // step) * step

    def _program(self, lanes: int, own_batches: bool) -> EpochProgram:
        """Return the program of this size; kept on a GPU, where recording its graph takes long."""
        program = self._programs.get((lanes, own_batches))
        if program is None:
            program = EpochProgram(
                self._model,
                self._rule,
                self._data.fit,
                lanes=lanes,
                own_batches=own_batches,
                steps=self.steps_per_epoch,
                batch_size=self._batch_size,
                dtype=self._dtype,
                factors=self._factors,
                augment=self._workload.augment,
                pool=self._pool,
            )
            if self._on_gpu:
                self._programs[lanes, own_batches] = program
        return program

    @contextmanager
    def _seeded(self, rows: Sequence[_Row]) -> Iterator[None]:
        """Keep the draws of a module that trains alone from those of its process, and decide them before each epoch."""
        if self._model.stackable:
            yield
            return
        # torch.random.fork_rng and torch.manual_seed would look for every kind of device, which costs milliseconds.
        generators = {id(g): g for g in (torch.default_generator, default_generator(self._device))}.values()
        states = [generator.get_state() for generator in generators]
        for generator in generators:
            generator.manual_seed(step_seeds(rows[0].lane.init_seed, rows[0].epoch, 1)[0])
        try:
            yield
        finally:
            for generator, state in zip(generators, states, strict=True):
                generator.set_state(state)

    def _evaluate(self, rows: Sequence[_Row], part: Part) -> tuple[Tensor, Tensor]:
        return evaluate(self._model, self._workload, torch.stack([row.params for row in rows]), part)
