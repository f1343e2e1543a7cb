"""Which GPUs each of several runs sees, out of those that lrsearch sees itself."""

from __future__ import annotations

import os

from lrsearch.errors import InputError

VISIBLE = "CUDA_VISIBLE_DEVICES"


def visible_devices() -> list[str]:
    """Return the GPUs of this process by name: those of CUDA_VISIBLE_DEVICES where it is set, or else all by number."""
    listed = os.environ.get(VISIBLE)
    if listed is not None:
        return [name.strip() for name in listed.split(",") if name.strip() not in ("", "-1", "NoDevFiles")]
    import torch

    return [str(number) for number in range(torch.cuda.device_count())]


def places(gpus: int, *, runs_per_gpu: int = 1) -> list[str]:
    """Return the CUDA_VISIBLE_DEVICES of each of the runs that there may be at a time.

    Args:
        gpus: of each run, at least 1.
        runs_per_gpu: how many runs share a GPU.

    Raises:
        InputError: if a run needs more GPUs than there are.
    """
    visible = visible_devices()
    if len(visible) < gpus:
        raise InputError(f"[run] gpus must be at most the number of visible GPUs, {len(visible)}, got {gpus}")
    firsts = range(0, len(visible) - gpus + 1, gpus)
    return [",".join(visible[first : first + gpus]) for first in firsts] * runs_per_gpu
