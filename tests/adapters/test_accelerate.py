"""Runs inside a loop of accelerate."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from lrsearch import InputError, Run
from tests.adapters import checks

pytestmark = checks.marks_of("accelerate")

ACCUMULATED = 2


def loader(count: int, seed: int, *, shuffle: bool = False) -> DataLoader:
    """Return noisy sums in batches of 4, two of which make an update."""
    x = torch.randn(count, 4, generator=torch.Generator().manual_seed(seed))
    return DataLoader(TensorDataset(x, x.sum(1)), batch_size=4, shuffle=shuffle)


def train(run: Run) -> float:
    """Train a network with dropout on shuffled data, with accumulated gradients, 10 updates an epoch."""
    from accelerate import Accelerator

    from lrsearch.adapters.accelerate import prepared_scheduler

    torch.manual_seed(run.seeds.init)
    accelerator = Accelerator(cpu=True, gradient_accumulation_steps=ACCUMULATED)
    model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.3), nn.ReLU(), nn.Linear(8, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    batches = loader(80 * accelerator.num_processes, 1, shuffle=True)
    model, optimizer, batches = accelerator.prepare(model, optimizer, batches)
    scheduler = prepared_scheduler(run, accelerator, optimizer)
    held_out = {name: loader(32, seed).dataset.tensors for name, seed in (("validation", 2), ("test", 3))}
    for _ in run.epochs(model=accelerator.unwrap_model(model), optimizer=optimizer, scheduler=scheduler):
        for x, y in batches:
            with accelerator.accumulate(model):
                accelerator.backward((model(x).squeeze(1) - y).square().mean())
                optimizer.step()
                scheduler.step()
                optimizer.zero_grad()
        x, y = held_out[run.evaluation_set]
        model.eval()
        with torch.no_grad():
            run.report((model(x).squeeze(1) - y).square().mean())
        model.train()
    return run.last_score


CHECKS = [checks.check_reports, checks.check_confirmed, checks.check_pruned, checks.check_killed_and_resumed]


@pytest.mark.parametrize("check", CHECKS)
def test_a_loop_is_a_run(check, tmp_path) -> None:
    """Reported, confirmed, pruned, killed and resumed."""
    check(train, tmp_path)


def test_an_optimizer_must_be_prepared(tmp_path) -> None:
    """In one line."""
    from accelerate import Accelerator

    from lrsearch.adapters.accelerate import prepared_scheduler

    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    with pytest.raises(InputError, match=r"must be prepared by accelerator\.prepare, got SGD"):
        prepared_scheduler(checks.run_in(tmp_path, checks.Search()), Accelerator(cpu=True), optimizer)


PROGRAM = """
import json, sys
from pathlib import Path
import torch
from torch.optim.optimizer import register_optimizer_step_pre_hook
from accelerate import PartialState
from tests.adapters import checks
from tests.adapters.test_accelerate import train

rates = []
register_optimizer_step_pre_hook(lambda optimizer, *_: rates.append(optimizer.param_groups[0]["lr"]))
run = checks.run_in(Path(sys.argv[1]), checks.Search())
run.finish(train(run))
processes = PartialState().num_processes
print(json.dumps({"processes": processes, "rates": rates, "expected": [run.lr(step) for step in range(checks.STEPS)]}))
PartialState().destroy_process_group()
"""


def test_two_processes_step_the_schedule_once_an_update(tmp_path) -> None:
    """Both use the schedule's own rates, and reach its end with their last update."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    ranks = []
    for rank in ("0", "1"):
        place = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
        ranks.append(
            subprocess.Popen(
                [sys.executable, "-c", PROGRAM, str(tmp_path / rank)],
                env={**os.environ, **place, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "ACCELERATE_USE_CPU": "1"},
                cwd=Path(__file__).parents[2],
                stdout=subprocess.PIPE,
                text=True,
            )
        )
    try:
        for output in [rank.communicate(timeout=60)[0] for rank in ranks]:
            told = json.loads(output.splitlines()[-1])
            assert 2 == told["processes"]
            assert told["expected"] == pytest.approx(told["rates"])
    finally:
        for rank in ranks:
            rank.kill()
