"""Where training runs: the device, and how many processor cores this process may use."""

from __future__ import annotations

import sys

import joblib
import torch

from lrsearch.errors import InputError


def choose_device(name: str = "auto") -> str:
    """Return "cpu" or "cuda"; "auto" takes a GPU where there is one.

    Raises:
        InputError: for another name, or for cuda where PyTorch sees none.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise InputError(f"device must be auto, cpu or cuda, got {name!r}")
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise InputError("device cuda was asked for, but PyTorch sees no GPU here: use --device cpu (or auto)")
    return "cuda" if available and name != "cpu" else "cpu"


def set_up_device(device: str) -> None:
    """Set how this process computes.

    On a processor in one thread: processes side by side are faster, and results do not depend on the cores. On a GPU
    in full float32, not in TensorFloat-32, which PyTorch takes for convolutions by default.
    """
    if device == "cpu":
        use_one_thread()
    else:
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False


def use_one_thread() -> None:
    """Let torch compute in one thread in this process."""
    torch.set_num_threads(1)


def usable_cores() -> int:
    """Return the cores that this process may use: affinity and cgroup limits are respected."""
    return int(joblib.cpu_count())


def peak_memory_mib() -> float:
    """Return the most memory that this process has had, in MiB; 0 where the system does not say."""
    try:
        import resource
    except ImportError:  # Windows
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def device_label(device: str) -> str:
    """Return what a record says of the device, such as "cpu" or "cuda (NVIDIA H200)"."""
    return f"cuda ({torch.cuda.get_device_name()})" if device == "cuda" else device
