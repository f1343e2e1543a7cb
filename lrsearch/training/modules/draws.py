"""Random numbers of a step: every lane draws from a generator of its own, side by side as alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode


def default_generator(device: torch.device) -> torch.Generator:
    """Return the generator from which operations on a device draw unless they are given another."""
    if device.type != "cuda":
        return torch.default_generator
    index = torch.cuda.current_device() if device.index is None else device.index
    return torch.cuda.default_generators[index]


def lane_generators(lanes: int, device: torch.device, *, stackable: bool) -> list[torch.Generator]:
    """Return the generators of lanes: one for each, or the device's own where lanes train one at a time."""
    return [torch.Generator() for _ in range(lanes)] if stackable else [default_generator(device)]


@contextmanager
def seeded(device: torch.device, seed: int) -> Iterator[None]:
    """Draw from default generators that begin at `seed`, and leave those of the process as they were."""
    # torch.random.fork_rng and torch.manual_seed would look for every kind of device, which costs milliseconds.
    generators = {id(g): g for g in (torch.default_generator, default_generator(device))}.values()
    states = [generator.get_state() for generator in generators]
    for generator in generators:
        generator.manual_seed(seed)
    try:
        yield
    finally:
        for generator, state in zip(generators, states, strict=True):
            generator.set_state(state)


def step_seeds(init_seed: int, epoch: int, steps: int) -> list[int]:
    """Return the seed of each step of an epoch of a lane."""
    words: list[int] = np.random.SeedSequence([init_seed, epoch]).generate_state(steps).tolist()
    return words


class LaneDraws(TorchDispatchMode):
    """Lets operations that `vmap` has stacked draw each lane's random numbers from its own generator.

    Under `vmap` a random operation is asked for once, for tensors whose first dimension is the lanes. It is divided
    into one operation a lane, which draws as many numbers as the lane alone would, in the same order.
    """

    def __init__(self, generators: Sequence[torch.Generator]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._generators = generators

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Leave out torch's compiler, whose import takes seconds: nothing here is compiled."""
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None) -> Any:
        """Divide what draws; leave everything else as it is."""
        kwargs = dict(kwargs or {})
        if torch.Tag.nondeterministic_seeded not in func.tags:
            return func(*args, **kwargs)
        if func._schema.name.endswith("_") and isinstance(args[0], Tensor):
            for lane, generator in enumerate(self._generators):
                row = args[0][lane]
                drawn = row if row.is_contiguous() else torch.empty_like(row)
                func(drawn, *self._own(args[1:], lane), **{**kwargs, "generator": generator})
                if drawn is not row:
                    row.copy_(drawn)
            return args[0]
        return self._from_default_generator(func, args, kwargs)

    def _from_default_generator(self, func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        """Divide an operation that takes no generator, or makes its tensor: swap the default generator's state."""
        default, results = torch.default_generator, []
        before = default.get_state()
        for lane, generator in enumerate(self._generators):
            default.set_state(generator.get_state())
            results.append(func(*self._own(args, lane), **kwargs))
            generator.set_state(default.get_state())
        default.set_state(before)
        if isinstance(results[0], tuple):
            return tuple(map(torch.stack, zip(*results, strict=True)))
        return torch.stack(results)

    def _own(self, args: Sequence[Any], lane: int) -> list[Any]:
        """Return the arguments of one lane: its row of tensors, and sizes without the dimension of the lanes."""
        lanes = len(self._generators)

        def own(value: Any) -> Any:
            if isinstance(value, Tensor) and value.ndim and len(value) == lanes:
                return value[lane]
            sizes = isinstance(value, list | tuple) and len(value) > 0 and all(isinstance(n, int) for n in value)
            return list(value[1:]) if sizes and value[0] == lanes else value

        return [own(value) for value in args]
