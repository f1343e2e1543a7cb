"""One lane from start to end, with a checkpoint after every epoch from which it can be resumed."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lrsearch.config.files import require_place, write_atomically
from lrsearch.errors import InputError
from lrsearch.records import LearningCurve
from lrsearch.training.lane import Checkpoint, Lane
from lrsearch.training.stack import Stack

_KEY = 0
_FORMAT = 1


def train_lane(
    stack: Stack,
    lane: Lane,
    *,
    epochs: int,
    checkpoint: Path | None = None,
    identity: str = "",
    on_epoch: Callable[[LearningCurve], None] = lambda _: None,
) -> LearningCurve:
    """Train a lane alone until `epochs` are done or it diverges, and return its curve.

    Args:
        stack: empty; it is left with the trained lane under key 0.
        lane: what is trained.
        epochs: the length of the run.
        checkpoint: written after every epoch; if it exists, training resumes from it.
        identity: what tells the checkpoints of this run from those of others.
        on_epoch: called after every epoch with the curve so far.

    Raises:
        InputError: if the checkpoint cannot be read, or is of another run.
    """
    if checkpoint is not None:
        require_place(checkpoint)
    stack.admit(_KEY, lane)
    curve = LearningCurve()
    if checkpoint is not None and checkpoint.exists():
        saved, curve = load_checkpoint(checkpoint, identity, like=stack.checkpoint(_KEY))
        stack.release(_KEY)
        stack.admit(_KEY, lane, saved)
        on_epoch(curve)
    while len(curve.train_loss) < epochs and not diverged(curve):
        metrics = stack.run_epoch()[_KEY]
        curve = curve.extended(metrics.train_loss, metrics.loss, metrics.score)
        if checkpoint is not None:
            save_checkpoint(checkpoint, stack.checkpoint(_KEY), curve, identity)
        on_epoch(curve)
    return curve


def diverged(curve: LearningCurve) -> bool:
    """Return whether a loss or a score of the last epoch is not finite."""
    return any(not math.isfinite(part[-1]) for part in curve.parts.values() if part)


def save_checkpoint(path: Path, state: Checkpoint, curve: LearningCurve, identity: str) -> None:
    """Write plain tensors and numbers; an interruption leaves the old file or the new one, never half of one."""
    content = {
        "format": _FORMAT,
        "identity": identity,
        "epoch": state.epoch,
        "params": state.params,
        "state": list(state.state),
        "select_loss": list(state.select_loss),
        "seconds": state.seconds,
        "kernels": state.kernels,
        "curve": {name: list(part) for name, part in curve.parts.items()},
    }

    def write(beside: Path) -> None:
        with beside.open("wb") as file:
            torch.save(content, file)

    write_atomically(path, write)


def load_checkpoint(path: Path, identity: str, *, like: Checkpoint) -> tuple[Checkpoint, LearningCurve]:
    """Read what `save_checkpoint` wrote; nothing in the file is executed.

    Args:
        path: the file.
        identity: of the run that resumes.
        like: a checkpoint of the same model, whose shapes this one must have.

    Raises:
        InputError: if the file cannot be read, or is of another run or model.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        saved, curve, saved_identity = _read(content)
    except Exception as error:  # a damaged file fails in many ways
        raise InputError(f"checkpoint {path} cannot be read: it is not one that train wrote") from error
    if saved_identity != identity:
        raise InputError(
            f"checkpoint {path} is of another configuration or seed: train to another --checkpoint, or delete it"
        )
    if [t.shape for t in (saved.params, *saved.state)] != [t.shape for t in (like.params, *like.state)]:
        raise InputError(f"checkpoint {path} is of another model: the workload has changed since; delete it")
    return saved, curve


def _read(content: dict[str, Any]) -> tuple[Checkpoint, LearningCurve, str]:
    if content["format"] != _FORMAT or not isinstance(content["params"], Tensor):
        raise ValueError("another format")
    select_loss = tuple(float(loss) for loss in content["select_loss"])
    seconds = float(content.get("seconds", 0.0))  # files of earlier versions have neither
    kernels = str(content.get("kernels", ""))
    saved = Checkpoint(content["params"], tuple(content["state"]), int(content["epoch"]), select_loss, seconds, kernels)
    curve = LearningCurve.from_json(content["curve"])
    if not saved.epoch == len(select_loss) == len(curve.train_loss):
        raise ValueError("another number of epochs")
    return saved, curve, str(content["identity"])
