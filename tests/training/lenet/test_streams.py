"""A second stream of a GPU; on a processor there is none."""

from __future__ import annotations

import torch

from lrsearch.training.lenet import streams
from lrsearch.training.lenet.lenet_stack import LenetStack
from tests.cuda_stand_in import stand_in


def test_what_is_computed_aside_is_waited_for(monkeypatch) -> None:
    """The second stream begins behind the first, and the first goes on to the gradients' end only behind the second."""
    stand_in(monkeypatch)
    waits: list[tuple[str, str]] = []

    class Stream:
        def __init__(self, name: str) -> None:
            self.name = name

        def wait_stream(self, other: Stream) -> None:
            waits.append((self.name, other.name))

    monkeypatch.setattr(torch.cuda, "current_stream", lambda: Stream("first"))
    monkeypatch.setattr(streams, "_second", lambda device: Stream("second"))
    LenetStack().loss_and_grad(torch.zeros(2, LenetStack.size), torch.zeros(1, 4, 1, 28, 28), torch.zeros(1, 4).long())
    assert [("second", "first"), ("first", "second")] == waits


def test_a_processor_has_one_stream():
    """Nothing is forked, and nothing is waited for."""
    stream = streams.fork(torch.zeros(1))
    assert stream is None
    with streams.on(stream):
        pass
    streams.join(stream)
