"""Lanes advanced by an epoch together, of whichever stack they are: grouped, padded to few widths, run by a program."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from functools import lru_cache
from itertools import groupby

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lrsearch.training.averaged import epoch_mix, take_statistics
from lrsearch.training.data import Part, epoch_order
from lrsearch.training.lane import Checkpoint, Lane
from lrsearch.training.model import StackedModel
from lrsearch.training.modules.draws import seeded, step_seeds
from lrsearch.training.modules.plain import PlainModule
from lrsearch.training.modules.stacked import StackedModule
from lrsearch.training.optimizers.parameter_groups import column_factors
from lrsearch.training.optimizers.rule import UpdateRule, settings_columns
from lrsearch.training.program import EpochProgram
from lrsearch.training.row import Row
from lrsearch.workloads import Workload

_ORDERS_KEPT = 32


class Trainer:
    """Trains rows side by side; what becomes of one does not depend on the others.

    On the CPU lanes in the same epoch of the same order form a group that shares its batches. On a GPU all lanes form
    one group, padded to few widths, so that few CUDA graphs serve every number of lanes.

    Args:
        model: the architecture of all lanes.
        workload: what they are trained for.
        fit: the data set, on the device where everything runs, and one split's index, as long as that of all others.
        rule: the optimizer of all lanes, but for those of a schedule that is Schedule-Free.
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
        self._programs: dict[tuple[int, bool, UpdateRule], EpochProgram] = {}
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
        if checkpoint is not None:
            return Row.resumed(lane, fitted, self._rule, checkpoint, self._device, self._dtype)
        params = self.model.init(lane.init_seed).to(self._device, self._dtype)
        return Row.begun(lane, fitted, self._rule, params, self.model.trainable)

    def groups(self, rows: Sequence[Row]) -> Iterator[list[int]]:
        """Yield the places of the rows that are trained together, all by one rule."""
        if not self.model.stackable:
            yield from ([place] for place in range(len(rows)))
            return
        by_phase = not self._on_gpu and self.model.gains_from_shared_batches
        kind = [(row.rule.schedule_free, *(row.phase if by_phase else ())) for row in rows]
        for _, places in groupby(sorted(range(len(rows)), key=kind.__getitem__), key=kind.__getitem__):
            yield list(places)

    def train(self, rows: Sequence[Row]) -> Tensor:
        """Run one epoch of these rows in place, but for their count of epochs; return mean training losses `[N]`."""
        padded = [*rows, *[rows[0]] * (self._width(len(rows)) - len(rows))]
        rule, steps, index, params = rows[0].rule, self.steps_per_epoch, self._batches(padded), _params(padded)
        program = self._program(len(padded), len(index) > 1, rule)
        draws = self.model.draws or self._workload.augment is not None
        seed = step_seeds(rows[0].lane.init_seed, rows[0].epoch, 1)[0]
        mix = [epoch_mix(row.lane.schedule, row.epoch, steps) for row in padded if rule.schedule_free]
        with nullcontext() if self.model.stackable else seeded(self._device, seed):
            after, state, losses = program.run(
                params,
                _states(padded),
                settings_columns([row.settings for row in padded], params),
                params.new_tensor([[row.epoch * steps] for row in padded]),
                self._table([row.lane.schedule.epoch_lr(row.epoch, steps, row.select_loss) for row in padded]),
                index,
                [step_seeds(row.lane.init_seed, row.epoch, steps) for row in padded if draws],
                self._table(mix) if mix else None,
            )
        for i, row in enumerate(rows):
            row.params = after[i]
            row.state = [s[i] for s in state]
        return losses[: len(rows)]

    def judged(self, rows: Sequence[Row], *, epoch: int = 0) -> Tensor:
        """Return the states `[N, size]` by whose outputs rows of one rule are judged: their own, or of the average.

        Args:
            rows: after an epoch of training.
            epoch: that epoch over their count of epochs: 0 before it is counted, -1 after.
        """
        params, rule, trained = _params(rows), rows[0].rule, self.model.trainable
        if not rule.averages:
            return params
        settings = settings_columns([row.settings for row in rows], params)
        states = torch.cat([rule.averaged(params[:, :trained], _states(rows), settings), params[:, trained:]], 1)
        if isinstance(self.model, PlainModule | StackedModule) and self.model.keeps_statistics:
            seeds = [(row.lane.init_seed, row.epoch + epoch) for row in rows]
            index = self._batches(rows, epoch=epoch)
            take_statistics(self.model, states, self._fit, index, seeds, self._workload.augment)
        return states

    def _batches(self, rows: Sequence[Row], *, epoch: int = 0) -> Tensor:
        """Return the batches of the rows' epochs, or of `epoch` more, `[rows, steps, B]`; one row where all agree."""
        distinct = rows if len({row.phase for row in rows}) > 1 else rows[:1]
        return torch.stack([row.fitted[self._order(row.lane.order_seed, row.epoch + epoch)] for row in distinct])

    def _table(self, by_row: Sequence[NDArray[np.float64]]) -> Tensor:
        """Return numbers for the steps of each row, `[rows, steps]`, on the device."""
        return torch.from_numpy(np.stack(by_row)).to(self._device, self._dtype)

    def _width(self, lanes: int) -> int:
        """Return the width of the program for a number of lanes: on a GPU one of four for each doubling."""
        if not self._on_gpu:
            return lanes
        step = 1 << max(0, lanes.bit_length() - 3)
        return -(-lanes // step) * step

    def _program(self, lanes: int, own_batches: bool, rule: UpdateRule) -> EpochProgram:
        """Return the program of this size and rule; kept on a GPU, where recording its graph takes long."""
        program = self._programs.get((lanes, own_batches, rule))
        if program is None:
            program = EpochProgram(
                self.model,
                rule,
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
                self._programs[lanes, own_batches, rule] = program
        return program


def _params(rows: Sequence[Row]) -> Tensor:
    return torch.stack([row.params for row in rows])


def _states(rows: Sequence[Row]) -> list[Tensor]:
    return [torch.stack(of_rows) for of_rows in zip(*(row.state for row in rows), strict=True)]
