"""A GPU that is not there: the path of CUDA on tensors of the processor, graphs recorded operation by operation.

A recording holds the operations that the step asked for, with the tensors it asked them of; a replay does the same to
the same memory and runs no Python of the step, as a CUDA graph does. What a step keeps in a Python variable is lost.
"""

import weakref
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from lrsearch.training.lenet import convolution


class Recording(TorchDispatchMode):
    """The operations between its entry and its exit, which `replay` repeats."""

    def __init__(self) -> None:
        super().__init__()
        self.operations: list[tuple[Any, Any, Any, Any]] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None) -> Any:
        result = func(*args, **(kwargs or {}))
        # A graph holds addresses: a tensor that is made to point elsewhere later is not followed.
        self.operations.append((func, *map(_at_its_address, (args, kwargs or {}, result))))
        return result

    def replay(self) -> None:
        """Repeat every operation on the memory that it was recorded with; as on a GPU, none is differentiated."""
        with torch.no_grad():
            self._repeat()

    def _repeat(self) -> None:
        for func, args, kwargs, result in self.operations:
            for old, new in zip(tree_leaves(result), tree_leaves(func(*args, **kwargs)), strict=True):
                if isinstance(old, Tensor) and old.data_ptr() != new.data_ptr():
                    old.copy_(new)


def _at_its_address(values: Any) -> Any:
    return tree_map(lambda value: value.detach() if isinstance(value, Tensor) else value, values)


class Memory(TorchDispatchMode):
    """Counts the bytes of tensors on the GPU that operations make and that are still in use."""

    def __init__(self) -> None:
        super().__init__()
        self.peak = 0
        self._live: dict[int, int] = {}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor) and tensor.device.type == "cuda":
                storage = tensor.untyped_storage()
                if storage._cdata not in self._live:
                    self._live[storage._cdata] = storage.nbytes()
                    weakref.finalize(storage, self._live.pop, storage._cdata)
        self.peak = max(self.peak, sum(self._live.values()))
        return result


class _Stream:
    def __init__(self, device: int = -1) -> None:
        self.device = device

    def wait_stream(self, other: "_Stream") -> None:
        assert isinstance(other, _Stream)


@contextmanager
def _graph(recording: Recording, pool: Any, capture_error_mode: str) -> Iterator[None]:
    assert ("the pool", "thread_local") == (pool, capture_error_mode)
    with recording:
        yield


def without_streams(monkeypatch) -> None:
    """Let everything run in one order on every stream, with memory of one pool and without Triton."""
    monkeypatch.setattr(convolution, "why_no_triton", lambda device: "there is no GPU")
    monkeypatch.setattr(torch.cuda, "graph_pool_handle", lambda: "the pool")
    monkeypatch.setattr(torch.cuda, "Stream", _Stream)
    monkeypatch.setattr(torch.cuda, "current_stream", _Stream)
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: nullcontext())


def stand_in(monkeypatch) -> None:
    """Let every tensor say that it is on a GPU, and give `torch.cuda` what the recording of a step needs."""
    monkeypatch.setattr(Tensor, "is_cuda", property(lambda tensor: True))
    without_streams(monkeypatch)
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Recording)
    monkeypatch.setattr(torch.cuda, "graph", _graph)
