"""Lanes advanced by an epoch together, of whichever stack they are: grouped, padded to few widths, run by a program."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby

import numpy as np
import torch
from torch import Tensor

from lrsearch.training.data import Part, epoch_order
from lrsearch.training.lane import Checkpoint, Lane
from lrsearch.training.model import StackedModel
from lrsearch.training.modules.draws import default_generator, step_seeds
from lrsearch.training.optimizers import UpdateRule, settings_columns
from lrsearch.training.parameter_groups import column_factors
from lrsearch.training.program import EpochProgram
from lrsearch.workloads import Workload

_ORDERS_KEPT = 32


@dataclass(eq=False)
class Row:
    """A lane in training and where it stands; `fitted` are the examples that it reads, an index into the data set."""

    lane: Lane
    fitted: Tensor
    params: Tensor
    state: list[Tensor]
    epoch: int = 0
    select_loss: list[float] = field(default_factory=list)

    @property
    def phase(self) -> tuple[int, int, int]:
        """Equal for rows that read the same batches."""
        return self.lane.order_seed, self.epoch, id(self.fitted)


class Trainer:
    """Trains rows side by side; what becomes of one does not depend on the others.

    On the CPU lanes in the same epoch of the same order form a group that shares its batches. On a GPU all lanes form
    one group, padded to few widths, so that few CUDA graphs serve every number of lanes.

    Args:
        model: the architecture of all lanes.
        workload: what they are trained for.
        fit: the data set, on the device where everything runs, and one split's index, as long as that of all others.
        rule: the optimizer that all lanes share.
        batch_size: examples per update.
        dtype: of parameters and rates.
    """

    def __init__(
        self,
        model: StackedModel,
        workload: Workload,
        fit: Part,
        rule: UpdateRule,
        *,
        batch_size: int,
        dtype: torch.dtype,
    ) -> None:
        self.model, self._workload, self._fit, self._rule = model, workload, fit, rule
        self._batch_size, self._dtype = batch_size, dtype
        self._device, self._on_gpu = fit.x.device, fit.x.is_cuda
        self._factors = column_factors(workload, rule.no_decay, device=self._device, dtype=dtype)
        # No graph leaves anything alive in the pool, so all of them may use the same memory.
        self._pool = torch.cuda.graph_pool_handle() if self._on_gpu else None
        self._programs: dict[tuple[int, bool], EpochProgram] = {}
        examples, device = len(fit), self._device
        self.steps_per_epoch = examples // batch_size
        if self.steps_per_epoch == 0:
            raise ValueError(f"batch_size must be at most the {examples} examples to fit, got {batch_size}")

        @lru_cache(maxsize=_ORDERS_KEPT)  # lanes that are behind come to the same orders later
        def order(order_seed: int, epoch: int) -> Tensor:
            return torch.from_numpy(epoch_order(order_seed, epoch, examples, batch_size)).to(device)

        self._order = order

    def row(self, lane: Lane, fitted: Tensor, checkpoint: Checkpoint | None) -> Row:
        """Return a lane in its initial state, or where its checkpoint left it."""
        if checkpoint is None:
            params = self.model.init(lane.init_seed).to(self._device, self._dtype)
            zeros = params.new_zeros(self.model.trainable)
            return Row(lane, fitted, params, [zeros.clone() for _ in range(self._rule.state_count)])
        params = checkpoint.params.to(self._device, self._dtype)
        state = [s.to(self._device, self._dtype) for s in checkpoint.state]
        return Row(lane, fitted, params, state, checkpoint.epoch, list(checkpoint.select_loss))

    def groups(self, rows: Sequence[Row]) -> Iterator[list[int]]:
        """Yield the places of the rows that are trained together."""
        if not self.model.stackable:
            yield from ([place] for place in range(len(rows)))
        elif self._on_gpu or not self.model.gains_from_shared_batches:
            yield from [list(range(len(rows)))] if rows else []
        else:
            phase = [row.phase for row in rows]
            for _, places in groupby(sorted(range(len(rows)), key=phase.__getitem__), key=phase.__getitem__):
                yield list(places)

    def train(self, rows: Sequence[Row]) -> Tensor:
        """Run one epoch of these rows in place, but for their count of epochs; return mean training losses `[N]`."""
        batches_per_lane = len({row.phase for row in rows}) > 1
        padded = [*rows, *[rows[0]] * (self._width(len(rows)) - len(rows))]
        rates = [row.lane.schedule.epoch_lr(row.epoch, self.steps_per_epoch, row.select_loss) for row in padded]
        params = torch.stack([row.params for row in padded])
        updates = params.new_tensor([[row.epoch * self.steps_per_epoch] for row in padded])
        program = self._program(len(padded), batches_per_lane)
        draws = self.model.draws or self._workload.augment is not None
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

    def _batches(self, rows: Sequence[Row]) -> Tensor:
        """Return the batches of the rows' epochs `[rows, steps, B]`; an order that several read is drawn once."""
        return torch.stack([row.fitted[self._order(row.lane.order_seed, row.epoch)] for row in rows])

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
                self.model,
                self._rule,
                self._fit,
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
    def _seeded(self, rows: Sequence[Row]) -> Iterator[None]:
        """Keep the draws of a module that trains alone from those of its process, and decide them before each epoch."""
        if self.model.stackable:
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
