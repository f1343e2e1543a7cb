"""A ResNet-8 with BatchNorm on a GPU: 64 lanes side by side against one at a time, by vmap and by CUDA graphs.

    python studies/benchmarks/gpu_modules.py --json gpu-modules.json

`in_parts` says how it is run. A part times whole epochs of updates, in float32 and without evaluation:

    alone       one lane by plain autograd: in the loop of Python, and recorded in a CUDA graph, as lrsearch does it
    vmap        the lanes in one `torch.func.vmap`, both ways; recorded is what `--lanes` trains
    branches    the lanes' plain steps in one CUDA graph, side by side on some streams
    check       what each way makes of the first step, against plain autograd in float64 on the CPU

`times_alone` is how many times as many updates a second as the loop of Python makes with one lane. On a processor
nothing is recorded, and "graph" is the same loop.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from gpu_branches import BranchedModule
from gpu_checks import relative
from in_parts import Rows, run_script, synchronize

from lrsearch.training.data import Part
from lrsearch.training.modules.layout import ModuleLayout
from lrsearch.training.modules.plain import PlainModule
from lrsearch.training.modules.stacked import StackedModule
from lrsearch.training.optimizers.rule import OptimizerSettings, UpdateRule, settings_columns
from lrsearch.training.program import EpochProgram

sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))
import fashion_resnet

_SMALL = {"lanes": [2], "steps": 1, "rounds": 1, "batch_size": 4, "streams": [2]}
_RULE, _SETTINGS = UpdateRule(uses_momentum=True), OptimizerSettings(momentum=0.9)
_TOLERANCE = 1e-4


def _layout(args: argparse.Namespace, device: str, dtype: torch.dtype) -> tuple[ModuleLayout, Part]:
    generator = torch.Generator().manual_seed(0)
    count = max(args.lanes) * args.batch_size
    x = torch.randint(256, (count, 1, 28, 28), generator=generator, dtype=torch.uint8).to(device)
    y = torch.randint(fashion_resnet.CLASSES, (count,), generator=generator).to(device)
    # Without its crops: what draws random numbers trains one lane at a time on a GPU.
    workload = replace(fashion_resnet.fashion_resnet(), augment=None, batch_size=args.batch_size)
    index = torch.arange(count, device=device)
    return ModuleLayout(workload, x[:4], y[:4], device=torch.device(device), dtype=dtype), Part(x, y, index)


def _timed(args: argparse.Namespace, build: Callable[[ModuleLayout], Any], lanes: int, *, graph: bool) -> float:
    """Return the seconds of a step of all lanes, the median of some rounds."""
    layout, data = _layout(args, args.device, torch.float32)
    model = build(layout)
    pool = torch.cuda.graph_pool_handle() if args.device == "cuda" else None
    program = EpochProgram(
        model,
        _RULE,
        data,
        lanes=lanes,
        own_batches=lanes > 1,
        steps=args.steps,
        batch_size=args.batch_size,
        dtype=torch.float32,
        pool=pool,
    )
    if not graph:
        program._graph = None
    params = torch.stack([layout.init(lane) for lane in range(lanes)]).to(args.device)
    state = [params.new_zeros(lanes, model.trainable)]
    settings = settings_columns([_SETTINGS] * lanes, params)
    index = data.index[: lanes * args.batch_size].view(lanes, 1, -1).expand(-1, args.steps, -1)
    given = (params, state, settings, params.new_zeros(lanes, 1), params.new_full((lanes, args.steps), 0.01), index)
    seconds = []
    for _ in range(args.rounds + 1):  # the first warms up
        synchronize(args.device)
        begun = time.perf_counter()
        program.run(*given)
        synchronize(args.device)
        seconds.append((time.perf_counter() - begun) / args.steps)
    return statistics.median(seconds[1:])


def _row(args: argparse.Namespace, way: str, lanes: int, seconds: float, alone: float) -> dict[str, Any]:
    row: dict[str, Any] = {"way": way, "lanes": lanes, "ms_per_step": 1e3 * seconds}
    row |= {"updates_per_second": lanes / seconds, "times_alone": alone * lanes / seconds}
    if args.device == "cuda":
        row["peak_gib"] = torch.cuda.max_memory_allocated() / 2**30
    return row


def alone(args: argparse.Namespace) -> Rows:
    """Time one lane in a loop, and recorded."""
    loop = _timed(args, PlainModule, 1, graph=False)
    return [
        _row(args, "loop", 1, loop, loop),
        _row(args, "graph", 1, _timed(args, PlainModule, 1, graph=True), loop),
    ]


def side_by_side(args: argparse.Namespace, *, ways: Sequence[str]) -> Rows:
    """Time all numbers of lanes, each against the loop with one in the same process."""
    loop = _timed(args, PlainModule, 1, graph=False)
    rows = []
    for lanes in args.lanes:
        if "vmap" in ways:
            for graph in (False, True):
                seconds = _timed(args, StackedModule, lanes, graph=graph)
                rows.append(_row(args, "vmap, graph" if graph else "vmap, loop", lanes, seconds, loop))
        if "branches" in ways:
            for streams in args.streams:
                seconds = _timed(args, partial(BranchedModule, branches=streams), lanes, graph=True)
                rows.append(_row(args, f"graph of {streams} streams", lanes, seconds, loop))
    return rows


def check(args: argparse.Namespace) -> Rows:
    """Compare the loss, the gradient and the running means of a step with those of plain autograd on the CPU."""
    lanes, size = 3, args.batch_size
    exact_layout, data = _layout(argparse.Namespace(lanes=[lanes], batch_size=size), "cpu", torch.float64)
    x, y = (tensor[: lanes * size].view(lanes, size, *tensor.shape[1:]) for tensor in (data.x, data.y))
    first = torch.stack([exact_layout.init(lane) for lane in range(lanes)])
    expected = (state := first.clone(), *BranchedModule(exact_layout, 1).loss_and_grad(state, x, y))
    layout, _ = _layout(argparse.Namespace(lanes=[lanes], batch_size=size), args.device, torch.float32)
    rows = []
    for name, model in (("vmap", StackedModule(layout)), ("branches", BranchedModule(layout, 2))):
        params = first.to(args.device, torch.float32)
        loss, gradient = model.loss_and_grad(params, x.to(args.device), y.to(args.device))
        for what, one, other in zip(("state", "loss", "gradient"), expected, (params, loss, gradient), strict=True):
            difference = relative(one, other)
            rows.append({"way": name, "what": what, "difference": difference, "ok": difference < _TOLERANCE})
    return rows


def flags(parser: argparse.ArgumentParser) -> None:
    """Add what this script takes."""
    parser.add_argument("--lanes", type=int, nargs="+", default=[8, 64])
    parser.add_argument("--streams", type=int, nargs="+", default=[4, 16])
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch-size", type=int, default=128)


PARTS = {
    "check": check,
    "alone": alone,
    "vmap": partial(side_by_side, ways=("vmap",)),
    "branches": partial(side_by_side, ways=("branches",)),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the parts; return 1 if one failed."""
    return run_script(__file__, PARTS, argv, flags=flags, small=_SMALL)


if __name__ == "__main__":
    sys.exit(main())
