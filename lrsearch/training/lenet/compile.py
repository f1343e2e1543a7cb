"""Whether to compile a model's step, and the compiled model."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable

import torch

from lrsearch.errors import InputError
from lrsearch.training.lenet.lenet_stack import LenetStack, step
from lrsearch.training.model import StackedModel

# Where compiling LenetStack's step from a cold cache has paid for itself (studies/benchmarks/bench_step.py, batch 128,
# one thread): after 30,000 steps on an AMD EPYC (15 seconds, 0.5 ms saved a step), after 7,000 on an Intel Xeon at
# 2.5 GHz (30 seconds, 4.5 ms). Between the two, neither loses more than a fifth of a run's time.
_WORTH_STEPS = 15_000
_SHAPES = 64


def worth_compiling(device: str, expected_lane_epochs: float, steps_per_epoch: int) -> bool:
    """Return whether compiling saves more time than it takes, from a cold cache, with a C++ compiler at hand.

    On the CPU that is from 15,000 steps on (38 trial-epochs of 390 steps). Elsewhere it never is: see `compiled`.

    Args:
        device: "cpu", or any other name of torch's.
        expected_lane_epochs: epochs that this process is going to train, summed over its trials.
        steps_per_epoch: updates in an epoch.
    """
    if not device.startswith("cpu") or shutil.which(os.environ.get("CXX", "g++")) is None:
        return False
    return expected_lane_epochs * steps_per_epoch > _WORTH_STEPS


def compiled(model: StackedModel, device: str) -> StackedModel:
    """Return the model with its step compiled for fixed shapes, which happens when a shape is first met.

    On a GPU the model is returned as it is: what is worth compiling there are kernels (`triton_conv`) in any case.

    Args:
        model: a LenetStack.
        device: where it will run.

    Raises:
        InputError: for any other model; the general module stack is not compiled.
    """
    if not isinstance(model, LenetStack):
        raise InputError(f"compile must be off for {type(model).__name__}: only the LeNet stack is compiled")
    if not device.startswith("cpu"):
        return model
    # A warning that there is a CUDA toolkit and no GPU does not matter where the step is compiled for the CPU.
    logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)
    # Every batch size is a shape of its own, and torch gives up after eight of them.
    torch._dynamo.config.recompile_limit = max(_SHAPES, torch._dynamo.config.recompile_limit)
    # The gradients' concatenation stays a plain copy; fused with what makes its pieces, it repeats their work.
    # The columns are not compiled: torch's own copying is three times as fast as what the compiler makes of it.
    options: dict[str, str | int | bool | Callable[..., object]] = {"max_pointwise_cat_inputs": 0}
    return LenetStack(model.dtype, step=torch.compile(step, dynamic=False, fullgraph=True, options=options))
