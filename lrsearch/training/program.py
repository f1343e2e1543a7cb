"""One epoch of a group of lanes: a step over tensors that stay in place, so that CUDA can record it once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from lrsearch.training.data import Part
from lrsearch.training.model import StackedModel
from lrsearch.training.modules.draws import lane_generators
from lrsearch.training.optimizers.parameter_groups import NO_FACTORS, ColumnFactors
from lrsearch.training.optimizers.rule import SETTINGS, UpdateRule
from lrsearch.workloads.workload import Augment

_WARM_UP_STEPS = 3


class EpochProgram:
    """The buffers of N lanes and the step that advances them; nothing in the step waits for the device.

    Batch indices and rates of a whole epoch lie in tables `[1 or N, steps, B]` and `[N, steps]`, read at a step counter
    on the device. On a GPU the step is recorded in a CUDA graph before its first epoch and replayed from then on.

    Args:
        model: all lanes' architecture.
        rule: their optimizer.
        fit: the data set that they are trained on.
        lanes: N.
        own_batches: whether each lane has its own batches; otherwise all share one.
        steps: updates in an epoch.
        batch_size: B.
        dtype: of parameters and rates.
        factors: of the rate and of the weight decay, by parameter.
        augment: of the workload; None for none.
        pool: the memory that graphs of one stack share, from `torch.cuda.graph_pool_handle()`; None on a processor.
    """

    def __init__(
        self,
        model: StackedModel,
        rule: UpdateRule,
        fit: Part,
        *,
        lanes: int,
        own_batches: bool,
        steps: int,
        batch_size: int,
        dtype: torch.dtype,
        factors: ColumnFactors = NO_FACTORS,
        augment: Augment | None = None,
        pool: Any = None,
    ) -> None:
        self._model, self._rule, self._fit, self._steps, self._factors = model, rule, fit, steps, factors
        device, self._augment = fit.x.device, augment
        self._generators = lane_generators(lanes, device, stackable=model.stackable)
        self._params = torch.zeros(lanes, model.size, dtype=dtype, device=device)
        self._state = [torch.zeros(lanes, model.trainable, dtype=dtype, device=device) for _ in range(rule.state_count)]
        self._settings = {name: torch.zeros(lanes, 1, dtype=dtype, device=device) for name in SETTINGS}
        self._updates = torch.zeros(lanes, 1, dtype=dtype, device=device)
        self._lr = torch.zeros(lanes, steps, dtype=dtype, device=device)
        self._mix = torch.zeros(lanes, steps, dtype=dtype, device=device) if rule.schedule_free else None
        self._index = torch.zeros(lanes if own_batches else 1, steps, batch_size, dtype=torch.int64, device=device)
        self._counter = torch.zeros(1, dtype=torch.int64, device=device)
        self._loss_sum = torch.zeros(lanes, dtype=torch.float64, device=device)
        # Recording draws from the generators of random layers, so it comes before any lane is seeded.
        self._graph = _recorded(self._step, self._counter, pool) if fit.x.is_cuda else None

    def run(
        self,
        params: Tensor,
        state: Sequence[Tensor],
        settings: dict[str, Tensor],
        updates: Tensor,
        lr: Tensor,
        index: Tensor,
        seeds: Sequence[Sequence[int]] = (),
        mix: Tensor | None = None,
    ) -> tuple[Tensor, list[Tensor], Tensor]:
        """Train one epoch.

        Args:
            params: `[N, size]`; not changed.
            state: the rule's tensors `[N, trainable]`; not changed.
            settings: columns `[N, 1]` of the optimizer's settings.
            updates: `[N, 1]`, updates before this epoch.
            lr: `[N, steps]`.
            index: `[1 or N, steps, B]`, indices into the data set.
            seeds: of each lane's random numbers, a number for each step; none where nothing is drawn.
            mix: `[N, steps]`, the steps' `mixing_weights`, where the rule is Schedule-Free.

        Returns:
            The new params and state, and the mean training loss `[N]` over the epoch's steps.
        """
        self._params.copy_(params)
        for mine, given in zip(self._state, state, strict=True):
            mine.copy_(given)
        for name, column in settings.items():
            self._settings[name].copy_(column)
        self._updates.copy_(updates)
        self._lr.copy_(lr)
        if self._mix is not None and mix is not None:
            self._mix.copy_(mix)
        self._index.copy_(index)
        self._counter.zero_()
        self._loss_sum.zero_()
        for step in range(self._steps):
            for generator, of_steps in zip(self._generators, seeds, strict=False):
                generator.manual_seed(of_steps[step])
            if self._graph is None:
                self._step()
            else:
                self._graph.replay()
        return self._params.clone(), [s.clone() for s in self._state], self._loss_sum / self._steps

    def _step(self) -> None:
        index = self._index.index_select(1, self._counter).squeeze(1)
        lr = self._lr.index_select(1, self._counter)
        x, y = self._fit.take(index)
        if self._augment is not None:
            x = augmented(self._augment, x, self._generators)
            y = y.expand(len(x), *y.shape[1:])
        loss, grad = self._model.loss_and_grad(self._params, x, y, self._generators)
        self._updates.add_(1)
        trained = self._params[:, : self._model.trainable]
        mix = None if self._mix is None else self._mix.index_select(1, self._counter)
        self._rule.update(trained, grad, lr, self._state, self._updates, self._settings, self._factors, mix)
        self._loss_sum.add_(loss.detach())
        self._counter.add_(1)


def augmented(augment: Augment, x: Tensor, generators: Sequence[torch.Generator]) -> Tensor:
    """Return a batch `x[1 or N, B, *item]` as it is augmented for each lane, `[N, B, *item]`."""
    rows = [(n if len(x) > 1 else 0, generator) for n, generator in enumerate(generators)]
    changed = [augment(x[n], generator) for n, generator in rows]
    # A single batch keeps its strides: a convolution may be faster with the channels last.
    return torch.stack(changed) if len(changed) > 1 else changed[0].unsqueeze(0)


def _recorded(step: Callable[[], None], counter: Tensor, pool: Any) -> torch.cuda.CUDAGraph:
    """Return the step as a CUDA graph, recorded after warm-up steps on a side stream, as PyTorch asks for."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(_WARM_UP_STEPS):
            counter.zero_()
            step()
    torch.cuda.current_stream().wait_stream(stream)
    counter.zero_()
    graph = torch.cuda.CUDAGraph()
    # Other threads, such as the one that writes to the storage, may use CUDA while this one records.
    with torch.cuda.graph(graph, pool=pool, capture_error_mode="thread_local"):
        step()
    return graph
