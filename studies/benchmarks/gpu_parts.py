"""The parts of bench_gpu: each takes the setting and returns the rows of a table."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from bench_step import FLOP_PER_IMAGE, in_memory_step, product_step, seconds
from gpu_checks import as_rows, check_epochs, check_step
from torch.profiler import ProfilerActivity, profile

from lrsearch.config import StudyConfig
from lrsearch.experiment.experiment import Seeds
from lrsearch.experiment.options import RunOptions, lanes_of
from lrsearch.experiment.workload_experiment import WorkloadExperiment
from lrsearch.schedules import make_schedule
from lrsearch.search.optimize import run_search
from lrsearch.training.lenet.lenet_stack import LenetStack
from lrsearch.training.stack import Stack

_EPOCHS_TIMED = 2
_EAGER_STEPS = 50
_ORDERS = 8
_PRODUCTS = 20
_KERNEL_STEPS = 5
_KERNEL_ROWS = 25
_EVALUATED = ("select", "report")
_FIRST_STEP_SECONDS = 100
_FIRST_STEP = Path(__file__).with_name("first_step.py")

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Setting:
    """What is asked for on the command line; see bench_gpu."""

    device: str
    dataset: str
    lanes: list[int]
    trials: int
    epochs: int
    families: list[str] | None
    batch_size: int
    check_batch_size: int
    check_steps_per_epoch: int
    search_seconds: float

    @property
    def config(self) -> StudyConfig:
        """The study that is searched."""
        return StudyConfig.from_dict({"name": "benchmark"}).changed(
            {
                "data.dataset": self.dataset,
                "training.epochs": self.epochs,
                "training.batch_size": self.batch_size,
                "search.families": self.families,
                "search.trials": self.trials,
            }
        )

    @cached_property
    def experiment(self) -> WorkloadExperiment:
        """The data on the device, and what makes stacks on it."""
        return WorkloadExperiment.prepare(self.config, device=self.device)

    @property
    def on_gpu(self) -> bool:
        """Whether the device is a GPU."""
        return self.device == "cuda"


def limit(setting: Setting) -> Rows:
    """Measure matrix products in fp32, and on a GPU in TF32."""
    rows = []
    for name, tf32 in (("fp32", False), ("tf32", True))[: 2 if setting.on_gpu else 1]:
        torch.backends.cuda.matmul.allow_tf32 = tf32
        for side in (1024, 8192) if setting.on_gpu else (1024,):
            run = product_step(setting.device, side)
            seconds(run, 3, setting.device)
            each = seconds(run, _PRODUCTS, setting.device)
            rows.append({"type": name, "side": side, "tflops": 2 * side**3 / each / 1e12})
    torch.backends.cuda.matmul.allow_tf32 = False
    return rows


def step(setting: Setting) -> Rows:
    """Compare one step with the CPU."""
    experiment = setting.experiment
    checks = check_step(experiment.workload, experiment.dataset, setting.device, setting.check_batch_size)
    return as_rows(checks)


def epochs(setting: Setting) -> Rows:
    """Compare whole epochs with the CPU."""
    experiment = setting.experiment
    size = setting.check_batch_size, setting.check_steps_per_epoch
    checks = check_epochs(experiment.workload, experiment.dataset, setting.device, *size)
    return as_rows(checks)


def eager(setting: Setting) -> Rows:
    """Time an ordinary loop of one trial, training alone."""
    dataset = setting.experiment.dataset
    run = in_memory_step(dataset.train_x, dataset.train_y, setting.batch_size, setting.device)
    seconds(run, 5, setting.device)
    each = seconds(run, _EAGER_STEPS, setting.device)
    return [{"ms_per_step": 1e3 * each, "trial_epochs_per_second": 1 / each / setting.experiment.steps_per_epoch}]


def first_step(setting: Setting) -> Rows:
    """Time the first step and the first evaluation of a process, with Triton's cache empty and filled."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for cache in ("empty", "filled"):
            command = [sys.executable, str(_FIRST_STEP), setting.device, str(setting.batch_size)]
            environment = {**os.environ, "TRITON_CACHE_DIR": folder}
            done = subprocess.run(
                command, env=environment, stdout=subprocess.PIPE, text=True, check=True, timeout=_FIRST_STEP_SECONDS
            )
            rows.append({"cache": cache, **json.loads(done.stdout)})
    return rows


def throughput(setting: Setting) -> Rows:
    """Time epochs of full stacks by number of lanes, on shared batches and on their own."""
    return [
        epoch_times(setting, lanes, own_batches=batches_per_lane)
        for lanes in setting.lanes
        for batches_per_lane in sorted({False, lanes > 1})
    ]


def epoch_times(setting: Setting, lanes: int, *, own_batches: bool) -> dict[str, Any]:
    """Return what an epoch of `lanes` lanes takes, with the evaluation of 2/12 of the data and without.

    Rates count epochs of the fitted examples; `per_60k` scales them to epochs of 60,000 images.
    """
    experiment = setting.experiment
    if setting.on_gpu:
        torch.cuda.reset_peak_memory_stats()
    stack = experiment.stack(Seeds.of(0, "search", 0))
    _fill(stack, experiment, lanes, own_batches=own_batches)
    first = _timed(stack, _EVALUATED)
    turns = [(_timed(stack, ()), _timed(stack, _EVALUATED)) for _ in range(_EPOCHS_TIMED)]
    trained, whole = (min(times) for times in zip(*turns, strict=True))
    rate = lanes / whole
    row = {
        "lanes": lanes,
        "batches": "own" if own_batches else "shared",
        "first_epoch_seconds": first,
        "epoch_seconds": whole,
        "evaluation_share": max(0.0, 1 - trained / whole),
        "ms_per_step": 1e3 * trained / stack.steps_per_epoch,
        "useful_tflops": 1e-12 * FLOP_PER_IMAGE * setting.batch_size * lanes * stack.steps_per_epoch / trained,
        "trial_epochs_per_second": rate,
        "per_60k": rate * stack.steps_per_epoch * setting.batch_size / 60_000,
    }
    if setting.on_gpu:
        row["peak_allocated_gib"] = torch.cuda.max_memory_allocated() / 2**30
        row["peak_reserved_gib"] = torch.cuda.max_memory_reserved() / 2**30
        del stack
        torch.cuda.empty_cache()
    return row


def _fill(stack: Stack, experiment: WorkloadExperiment, lanes: int, *, own_batches: bool) -> None:
    seeds = Seeds.of(0, "search", 0)
    schedule = make_schedule("constant", total_steps=100 * stack.steps_per_epoch, base_lr=0.05)
    for key in range(lanes):
        # Lanes of another order, or in another epoch as after a refill, cannot share batches; few are drawn.
        order = seeds.order + key % _ORDERS if own_batches else seeds.order
        stack.admit(key, experiment.lane(schedule, Seeds(seeds.split, seeds.init, order, seeds.sampler)))


def _timed(stack: Stack, parts: Sequence[str]) -> float:
    begun = time.perf_counter()
    stack.run_epoch(parts)  # ends with the losses on the host, so the device has nothing left to do
    return time.perf_counter() - begun


def kernels(setting: Setting) -> Rows:
    """Return the operations that take most of the device's time in eager steps of the largest stack but one."""
    lanes = sorted(setting.lanes)[-2:][0]
    dataset = setting.experiment.dataset
    model = LenetStack()
    params = torch.stack([model.init(0)] * lanes).to(setting.device)
    x = dataset.train_x[: setting.batch_size].unsqueeze(0).to(setting.device)
    y = dataset.train_y[: setting.batch_size].unsqueeze(0).to(setting.device)
    for _ in range(3):
        model.loss_and_grad(params, x, y)
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if setting.on_gpu else [])]
    # There is one cycle only; torch 2.11 warns of it all the same unless events are kept.
    with profile(activities=activities, acc_events=True) as profiled:
        for _ in range(_KERNEL_STEPS):
            model.loss_and_grad(params, x, y)
        if setting.on_gpu:
            torch.cuda.synchronize()
    named, kind = ("self_device_time_total", "CUDA") if setting.on_gpu else ("self_cpu_time_total", "CPU")
    # An operation's device time is its kernels' over again, so on a GPU the kernels alone are counted.
    events = [event for event in profiled.key_averages() if event.device_type.name == kind]
    events.sort(key=lambda event: -getattr(event, named))
    total = sum(getattr(event, named) for event in events)
    return [
        {
            "lanes": lanes,
            "us_per_step": getattr(event, named) / _KERNEL_STEPS,
            "share": getattr(event, named) / total,
            "calls_per_step": event.count / _KERNEL_STEPS,
            "operation": event.key[:90],
        }
        for event in events[:_KERNEL_ROWS]
        if getattr(event, named) > 0
    ]


def search(setting: Setting) -> Rows:
    """Time whole searches as `optimize` runs them, and say where the time went."""
    options = RunOptions(device=setting.device, workers=1, timeout_seconds=setting.search_seconds)
    lanes = lanes_of(options, setting.trials, setting.device)
    evaluation = epoch_times(setting, lanes, own_batches=lanes > 1)["evaluation_share"]
    return [_search(setting, pruner, lanes, evaluation) for pruner in ("none", "rungs")]


def _search(setting: Setting, pruner: str, lanes: int, evaluation: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        options = RunOptions(
            storage=f"sqlite:///{Path(folder) / 'search.db'}",
            device=setting.device,
            workers=1,
            timeout_seconds=setting.search_seconds,
        )
        begun = time.perf_counter()
        _, state = run_search(setting.config.changed({"search.pruner": pruner}), options)
        wall = time.perf_counter() - begun
    times = state.times
    return {
        "pruner": pruner,
        "lanes": lanes,
        "finished": state.complete + state.pruned,
        "of": setting.trials,
        "trial_epochs": times.trial_epochs,
        "wall_seconds": wall,
        "trial_epochs_per_second": times.trial_epochs / wall,
        "training_share": times.training / wall * (1 - evaluation),
        "evaluation_share": times.training / wall * evaluation,
        "sampler_share": times.sampler / wall,
        "storage_share": times.storage / wall,
        "pruner_share": times.pruner / wall,
        "preparation_share": times.preparation / wall,
        "best": state.best,
    }


PARTS: dict[str, Callable[[Setting], Rows]] = {
    part.__name__: part for part in (limit, step, epochs, eager, first_step, throughput, search, kernels)
}
"""The parts by name, in the order in which they run: what matters most comes before the time may be over."""
