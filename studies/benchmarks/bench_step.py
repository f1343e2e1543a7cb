"""One training step of LeNet: what it costs per trial, in the ways people write it and in lrsearch's.

    OMP_NUM_THREADS=1 python studies/benchmarks/bench_step.py --data FOLDER --json step.json

Every candidate does the same work: take a batch, forward, backward, one SGD update. They take turns in one process, a
few steps each, and the median counts, in CPU seconds of the one thread (`bench_gpu.py` is for a GPU). The limit is the
step's useful multiplications at the speed that a product of two 1024 x 1024 matrices reaches in the same run. FOLDER
holds the four Fashion-MNIST .gz files; without it the images are noise.
"""

from __future__ import annotations

import argparse
import gzip
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from machine import heading, machine, write_json
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from lrsearch.training.data import Part
from lrsearch.training.lenet import convolution
from lrsearch.training.lenet.lenet_stack import LenetStack
from lrsearch.training.lenet.processor import step as processor_step
from lrsearch.training.model import StackedModel
from lrsearch.workloads.fashion_lenet import lenet, normalise

_RATE = 0.1
_LIMIT_SIDE = 1024
# Multiplications and additions per image: both convolutions and three dense layers, forward and for their weights, and
# for the inputs of all but the first layer.
FLOP_PER_IMAGE = 2 * (2 * 6 * 25 * 784 + 3 * (16 * 150 * 100 + 400 * 120 + 120 * 84 + 84 * 10))

Step = Callable[[], object]


class ArticleImages(Dataset[tuple[Tensor, int]]):
    """Images as torchvision's data sets serve them: one PIL image at a time, transformed when asked for."""

    def __init__(self, x: Tensor, y: Tensor) -> None:
        self._x, self._y = x.squeeze(1).numpy(), y.tolist()
        self._transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])

    def __len__(self) -> int:
        return len(self._y)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self._transform(Image.fromarray(self._x[index])), self._y[index]


def load(folder: Path | None) -> tuple[Tensor, Tensor]:
    """Return 60,000 training images `[60000, 1, 28, 28]` and their labels, or noise of that shape."""
    if folder is None:
        rng = torch.Generator().manual_seed(0)
        x = torch.randint(0, 256, (60_000, 1, 28, 28), dtype=torch.uint8, generator=rng)
        return x, torch.randint(0, 10, (60_000,), generator=rng)
    images = gzip.decompress((folder / "train-images-idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress((folder / "train-labels-idx1-ubyte.gz").read_bytes())
    x = torch.from_numpy(np.frombuffer(images, np.uint8, offset=16).copy()).view(-1, 1, 28, 28)
    return x, torch.from_numpy(np.frombuffer(labels, np.uint8, offset=8).astype(np.int64))


def article_step(x: Tensor, y: Tensor, batch_size: int) -> Step:
    """Return the tutorial's loop: DataLoader, transforms image by image, `loss.item()` in every step."""
    loader = DataLoader(ArticleImages(x, y), batch_size=batch_size, shuffle=True, drop_last=True)
    batches: Iterator[list[Tensor]] = (batch for _ in iter(int, 1) for batch in loader)
    module = lenet()
    optimizer = torch.optim.SGD(module.parameters(), lr=_RATE)

    def run() -> float:
        images, labels = next(batches)
        optimizer.zero_grad()
        loss = functional.cross_entropy(module(images), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    return run


def batch_indices(count: int, batch_size: int, batches: int, device: str = "cpu") -> Iterator[Tensor]:
    """Yield random indices `[batches, B]` for ever."""
    while True:
        yield torch.randint(0, count, (batches, batch_size), device=device)


def in_memory_step(x: Tensor, y: Tensor, batch_size: int, device: str = "cpu") -> Step:
    """Return the same loop on tensors in memory: nn.Sequential and autograd."""
    x, y = x.to(device), y.to(device)
    indices = batch_indices(len(x), batch_size, 1, device)
    module = lenet().to(device)
    optimizer = torch.optim.SGD(module.parameters(), lr=_RATE)

    def run() -> None:
        index = next(indices)[0]
        optimizer.zero_grad()
        functional.cross_entropy(module(normalise(x[index])), y[index]).backward()
        optimizer.step()

    return run


def stack_step(model: StackedModel, x: Tensor, y: Tensor, batch_size: int, lanes: int, batches_per_lane: bool) -> Step:
    """Return a step of `lanes` lanes, on one batch or on each lane's own."""
    part = Part(x, y, torch.arange(len(x)))
    indices = batch_indices(len(x), batch_size, lanes if batches_per_lane else 1)
    params = torch.stack([nn.utils.parameters_to_vector(lenet().parameters()).detach() for _ in range(lanes)])
    rates = torch.full((lanes, 1), _RATE)

    def run() -> None:
        _, gradient = model.loss_and_grad(params, *part.take(next(indices)))
        params.addcmul_(gradient, rates, value=-1)

    return run


def without_numba(run: Step) -> Step:
    """Return a step that computes as on a processor that Numba does not know."""

    def plain() -> object:
        original, convolution.why_no_numba = convolution.why_no_numba, lambda _: "left out"  # type: ignore[assignment]
        try:
            return run()
        finally:
            convolution.why_no_numba = original

    return plain


def product_step(device: str = "cpu", side: int = _LIMIT_SIDE) -> Step:
    """Return one product of two `side` x `side` matrices, whose speed is the limit."""
    a, b = torch.randn(2, side, side, device=device)
    return lambda: a @ b


def seconds(run: Step, steps: int, device: str = "cpu") -> float:
    """Return the seconds of one of `steps` steps."""
    on_gpu = device.startswith("cuda")
    clock = time.perf_counter if on_gpu else time.thread_time
    if on_gpu:
        torch.cuda.synchronize()
    start = clock()
    for _ in range(steps):
        run()
    if on_gpu:
        torch.cuda.synchronize()
    return (clock() - start) / steps


def candidates(args: argparse.Namespace) -> dict[str, tuple[Step, int]]:
    """Return each candidate's step and how many trials it advances."""
    x, y = load(args.data)
    common = (x, y, args.batch_size)
    steps = {"product": (product_step(), 1), "article": (article_step(*common), 1)}
    steps["in-memory nn.Sequential"] = (in_memory_step(*common), 1)
    model = LenetStack()
    for lanes in args.lanes:
        for batches_per_lane in {False, lanes > 1}:
            label = f"lrsearch, N = {lanes}" + (", own batches" if batches_per_lane else "")
            steps[label] = (stack_step(model, *common, lanes, batches_per_lane), lanes)
    steps["lrsearch without Numba, N = 1"] = (without_numba(stack_step(model, *common, 1, False)), 1)
    return steps


def measure(args: argparse.Namespace) -> dict[str, object]:
    """Run the candidates in turns and return what `--json` writes; times are milliseconds per step and trial."""
    chosen = candidates(args)
    first: dict[str, float] = {}
    for name, (run, _) in chosen.items():
        start = time.perf_counter()
        seconds(run, 1)
        first[name] = time.perf_counter() - start
        seconds(run, 2)
    samples: dict[str, list[float]] = {name: [] for name in chosen}
    for _ in range(args.rounds):
        for name, (run, trials) in chosen.items():
            samples[name].append(1e3 * seconds(run, args.steps) / trials)
    medians = {name: statistics.median(values) for name, values in samples.items()}
    gflops = 2 * _LIMIT_SIDE**3 / medians.pop("product") / 1e6
    limit = FLOP_PER_IMAGE * args.batch_size / gflops / 1e6
    rows = [
        {
            "candidate": name,
            "ms": ms,
            "quartiles_ms": statistics.quantiles(samples[name], n=4)[::2],
            "times_the_article": medians["article"] / ms,
            "over_the_limit": ms / limit,
            "trial_epochs_per_second": 1e3 / ms / (60_000 // args.batch_size),
            "first_call_seconds": first[name],
        }
        for name, ms in medians.items()
    ]
    return {
        "machine": machine("cpu"),
        "batch_size": args.batch_size,
        "images": "noise" if args.data is None else "fashion-mnist",
        "product_gflops": gflops,
        "limit_ms": limit,
        "rows": rows,
    }


def table(result: dict[str, object]) -> str:
    """Return the result as text, one candidate a line."""
    assert isinstance(result["machine"], dict)
    lines = [
        heading(result["machine"]),
        f"product {result['product_gflops']:.1f} GFLOP/s, so the limit is {result['limit_ms']:.2f} ms a step",
        f"{'one step per trial':38}{'ms':>8}{'x article':>11}{'over limit':>12}{'epochs/s':>10}{'first s':>9}",
    ]
    assert isinstance(result["rows"], list)
    lines += [
        f"{row['candidate']:38}{row['ms']:8.3f}{row['times_the_article']:11.2f}{row['over_the_limit']:12.2f}"
        f"{row['trial_epochs_per_second']:10.2f}{row['first_call_seconds']:9.1f}"
        for row in result["rows"]
    ]
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lanes", type=int, nargs="+", default=[1, 4, 16], help="numbers of trials side by side")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=25, help="turns that every candidate takes")
    parser.add_argument("--steps", type=int, default=4, help="steps in a turn")
    parser.add_argument("--data", type=Path, help="folder with the Fashion-MNIST .gz files")
    parser.add_argument("--json", type=Path, help="write the result to this file")
    parser.add_argument("--vector-bytes", type=int, choices=(16, 32, 64), help="32 computes as where AVX2 is all")
    args = parser.parse_args(argv)
    if args.vector_bytes is not None:
        processor_step.vector_bytes = lambda: args.vector_bytes
    torch.set_num_threads(1)
    result = measure(args)
    print(table(result))
    write_json(args.json, result)


if __name__ == "__main__":
    main()
