"""Print as JSON what the first step and the first evaluation of a process take: DEVICE BATCH_SIZE (see bench_gpu)."""

from __future__ import annotations

import json
import sys
import time

import torch

from lrsearch.training.lenet.lenet_stack import LenetStack


def main(device: str, batch_size: int) -> None:
    """Time both, once."""
    model = LenetStack()
    params = model.init(0).unsqueeze(0).to(device)
    x = torch.zeros(1, batch_size, 1, 28, 28, dtype=torch.uint8, device=device)
    y = torch.zeros(1, batch_size, dtype=torch.int64, device=device)
    begun = time.perf_counter()
    model.loss_and_grad(params, x, y)[0].sum().item()
    stepped = time.perf_counter()
    model.predict(params, x).sum().item()
    print(json.dumps({"step_seconds": stepped - begun, "evaluation_seconds": time.perf_counter() - stepped}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
