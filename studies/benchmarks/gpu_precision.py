"""Three passes of TensorFloat-32 against fp32 on a GPU: gradients, speed by number of lanes, accuracy over seeds.

    python studies/benchmarks/gpu_precision.py --json gpu-precision.json

`in_parts` says how it is run. Both precisions are those of LRSEARCH_GPU_PRECISION, which a processor does not have:
there both are its own kernels, and each row names what computed it.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import torch
from gpu_checks import as_rows, check_step
from gpu_parts import Setting, epoch_times
from in_parts import Rows, run_script
from scipy.stats import t

from lrsearch.experiment.experiment import Seeds
from lrsearch.schedules import make_schedule
from lrsearch.training.lenet.convolution import PRECISION_VARIABLE, PRECISIONS, kernels_on

_SMALL = {"dataset": "digits", "lanes": [1, 2], "seeds": 3, "epochs": 2, "check_batch_size": 10}
_RATE, _CONFIDENCE = 0.1, 0.95


@contextmanager
def _in(precision: str) -> Iterator[None]:
    before = os.environ.get(PRECISION_VARIABLE)
    os.environ[PRECISION_VARIABLE] = precision
    try:
        yield
    finally:
        os.environ.pop(PRECISION_VARIABLE)
        os.environ |= {} if before is None else {PRECISION_VARIABLE: before}


def _named(args: argparse.Namespace, precision: str) -> dict[str, str]:
    return {"precision": precision, "kernels": kernels_on(args.device, torch.float32)}


def _setting(args: argparse.Namespace) -> Setting:
    return Setting(
        args.device, args.dataset, args.lanes, 100, args.epochs, None, args.batch_size, args.check_batch_size, 5, 0.0
    )


def gradients(args: argparse.Namespace) -> Rows:
    """Hold a step in float32 against nn.Sequential in float64 on the CPU; a gradient may differ by 1e-5."""
    experiment, rows = _setting(args).experiment, []
    for precision in PRECISIONS:
        with _in(precision):
            checks = check_step(experiment.workload, experiment.dataset, args.device, args.check_batch_size)
            rows += [_named(args, precision) | row for row in as_rows(checks) if "float32" in row["what"]]
    return rows


def speed(args: argparse.Namespace, *, precision: str) -> Rows:
    """Time epochs by number of lanes, on shared batches and on own ones."""
    setting = _setting(args)
    with _in(precision):
        return [
            _named(args, precision) | epoch_times(setting, lanes, own_batches=own)
            for lanes in args.lanes
            for own in sorted({False, lanes > 1})
        ]


def accuracy(args: argparse.Namespace) -> Rows:
    """Train the same seeds in both, and compare their test accuracies in pairs: mean difference and interval."""
    scores = {precision: _scores(args, precision) for precision in PRECISIONS}
    difference = 100 * (scores["tf32x3"] - scores["fp32"])
    spread = float(difference.std(ddof=1))
    reach = float(t.ppf((1 + _CONFIDENCE) / 2, args.seeds - 1)) * spread / args.seeds**0.5
    mean = float(difference.mean())
    return [
        {
            "seeds": args.seeds,
            "epochs": args.epochs,
            **{f"accuracy_{precision}": 100 * float(score.mean()) for precision, score in scores.items()},
            "difference_points": mean,
            "sd": spread,
            "low": mean - reach,
            "high": mean + reach,
            "differences": [round(float(value), 4) for value in difference],
        }
    ]


def _scores(args: argparse.Namespace, precision: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    with _in(precision):
        experiment = _setting(args).experiment
        stack = experiment.stack(Seeds.of(0, "precision", 0))
        schedule = make_schedule("cosine", total_steps=args.epochs * stack.steps_per_epoch, base_lr=_RATE)
        for key in range(args.seeds):
            stack.admit(key, experiment.lane(schedule, Seeds.of(0, "precision", key)))
        for _ in range(args.epochs):
            stack.run_epoch(())
        return np.array([stack.evaluate(key, "test").score for key in range(args.seeds)])


def flags(parser: argparse.ArgumentParser) -> None:
    """Add what this script takes."""
    parser.add_argument("--dataset", default="fashion-mnist")
    parser.add_argument("--lanes", type=int, nargs="+", default=[1, 16, 25, 64, 128, 256])
    parser.add_argument("--seeds", type=int, default=64, help="of the comparison of accuracies")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--check-batch-size", type=int, default=64)


PARTS = {
    "gradients": gradients,
    **{f"speed {precision}": partial(speed, precision=precision) for precision in PRECISIONS},
    "accuracy": accuracy,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the parts; return 1 if one failed."""
    return run_script(__file__, PARTS, argv, flags=flags, small=_SMALL)


if __name__ == "__main__":
    sys.exit(main())
