"""Which process trains which block, kept in the study's attributes, so that several commands share a confirmation."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from optuna.study import Study

from lrsearch.confirmation.blocks import Block
from lrsearch.storage import is_dead, is_elsewhere, worker_name
from lrsearch.trials.heartbeat import BEAT_SECONDS

_SILENT_SECONDS = 1800.0
"""After so long without a word a process on another machine counts as dead."""


Hold = Callable[[int], None]
"""Tells other processes how many epochs the runs of a block have had; the same again after a minute."""


@contextmanager
def held(study: Study, block: Block) -> Iterator[Hold]:
    """Hold a block for this process; yields what tells other processes how far its runs are."""
    told: tuple[int, float] = (-1, 0.0)

    def hold(epochs: int) -> None:
        nonlocal told
        if epochs != told[0] or time.monotonic() - told[1] > BEAT_SECONDS:
            told = (epochs, time.monotonic())
            study.set_user_attr(_key(block), {"worker": worker_name(), "when": time.time(), "epochs": epochs})

    hold(0)
    try:
        yield hold
    finally:
        study.set_user_attr(_key(block), {})


def is_held_by_another(study: Study, block: Block) -> bool:
    """Return whether another live process trains a block: one of this machine, or one elsewhere heard of lately."""
    hold = study.user_attrs.get(_key(block), {})
    worker = str(hold.get("worker", ""))
    if worker in ("", worker_name()) or is_dead(worker):
        return False
    return not is_elsewhere(worker) or time.time() - float(hold["when"]) < _SILENT_SECONDS


def epochs_held(attributes: Mapping[str, Any], block: Block) -> int:
    """Return how many epochs the runs of a block have had in the process that holds it; 0 if none does."""
    hold = attributes.get(_key(block), {})
    return 0 if is_dead(str(hold.get("worker"))) else int(hold.get("epochs", 0))


def release_holds(study: Study, blocks: Sequence[Block], workers: Collection[str]) -> None:
    """Let others train the blocks that these processes, which are dead, were training."""
    for block in blocks:
        if study.user_attrs.get(_key(block), {}).get("worker") in workers:
            study.set_user_attr(_key(block), {})


def _key(block: Block) -> str:
    return f"hold:{block.index:04d}"
