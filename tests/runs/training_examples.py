"""Training functions of a few milliseconds, and some that are broken."""

import argparse
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

from lrsearch import Diverged, Pruned, Run

STUDY = """
name = "toy"

[run]
training = "tests.runs.training_examples:quadratic"
metric = "loss"
direction = "minimize"
total_steps = 40
reports = 4
in_process = true

[search]
families = ["constant", "cosine"]
trials = 4

[ranges]
base_lr = { low = 0.01, high = 1.0 }

[parameters]
decay = { low = 1e-4, high = 0.1, log = true }

[plan]
rope = 0.01
blocks = 6
"""


def quadratic(run: Run) -> float:
    """Walk down a quadratic whose gradient is noisy, in NumPy."""
    point = np.random.default_rng(run.seeds.init).normal(size=4)
    steps = run.total_steps // 4
    for epoch in run.epochs():
        noise = np.random.default_rng(run.seeds.order_of(epoch)).normal(size=(steps, 4))
        for step in range(steps):
            point -= run.lr(epoch * steps + step) * (point + 0.3 * noise[step] + run.parameters["decay"] * point)
        run.report(float(point @ point) + 100.0 * (run.evaluation_set == "test"), train_loss=0.5)
    return run.last_score


def network(run: Run) -> None:
    """Train a small network with a torch scheduler and two parameter groups."""
    torch.manual_seed(run.seeds.init)
    x = torch.randn(40, 3)
    model = nn.Linear(3, 1)
    groups = [{"params": [model.weight]}, {"params": [model.bias], "lr": 0.1 * run.schedule.base_lr}]
    optimizer = torch.optim.SGD(groups, lr=run.schedule.base_lr)
    scheduler = run.scheduler(optimizer)
    for step in run.steps():
        loss = (model(x).squeeze(1) - x.sum(1)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        if run.report_due(step):
            run.report(loss)


def diverges(run: Run) -> None:
    """Report a number, and then none."""
    for epoch in run.epochs():
        run.report(run.lr(39) if epoch < 2 else float("nan"))


def raises_diverged(run: Run) -> None:
    """Say that it has diverged."""
    run.report(run.lr(9), step=10)
    raise Diverged


def catches_everything(run: Run) -> float:
    """Go on where it was told to end."""
    for _ in run.epochs():
        try:
            run.report(run.lr(39))
        except Pruned:
            continue
    return run.last_score


def own_rhythm(run: Run) -> None:
    """Report three times where four are expected, once before anything is done."""
    run.lr(39)
    for step in (0, 13, 26, 40):
        run.report(1.0 / (1 + step), step=step)


def fails(run: Run) -> None:
    """Raise what a person's own code may raise."""
    raise ZeroDivisionError("no mean of nothing")


def never_reports(run: Run) -> None:
    """Use the schedule, and say nothing."""
    run.lr(39)


def reports_text(run: Run) -> None:
    """Report something that is no number."""
    run.report("good")  # type: ignore[arg-type]


def ends_early(run: Run) -> None:
    """Report before the end alone."""
    run.lr(39)
    run.report(1.0, step=20)


def returns_another_score(run: Run) -> float:
    """Return something else than was reported."""
    for _ in run.epochs():
        run.report(run.lr(39))
    return 7.0


def uses_no_schedule(run: Run) -> None:
    """Take the peak rate of the schedule, and nothing else of it."""
    for _ in run.epochs():
        run.report(run.schedule.base_lr)


def too_few_steps(run: Run) -> None:
    """Ask for the rates of half of the run."""
    for _ in run.epochs():
        run.report(run.lr(19))


def too_many_steps(run: Run) -> None:
    """Step the scheduler once too often."""
    scheduler = run.scheduler(torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0))
    for _ in range(41):
        scheduler.optimizer.step()
        scheduler.step()
    run.report(1.0, step=40)


def takes_nothing() -> None:
    """Take no run."""


def dropout(run: Run) -> float:
    """Train on shuffled data with dropout, drawing from every generator of random numbers that there is."""
    torch.manual_seed(run.seeds.init)
    random.seed(run.seeds.init)
    np.random.seed(run.seeds.init % 2**32)  # noqa: NPY002
    own, torch_own = np.random.default_rng(run.seeds.order), torch.Generator().manual_seed(run.seeds.order)
    x = torch.randn(40, 3)
    model = nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.5), nn.Linear(8, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=run.schedule.base_lr)
    scheduler = run.scheduler(optimizer)
    kept = {"model": model, "optimizer": optimizer, "scheduler": scheduler, "own": own, "torch_own": torch_own}
    for _ in run.epochs(**kept):
        noise = random.random() + float(np.random.random()) + float(own.random())  # noqa: NPY002
        for batch in torch.randperm(40, generator=torch_own).split(4):
            loss = (model(x[batch]).squeeze(1) - x[batch].sum(1) - noise).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
        time.sleep(float(os.environ.get("SECONDS_OF_AN_EPOCH", "0")))
        run.report(loss, train_loss=loss)
    return run.last_score


def forgets_its_scheduler(run: Run) -> None:
    """Keep the optimizer alone."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    run.scheduler(optimizer)
    for _ in run.epochs(optimizer=optimizer):
        run.report(1.0)


def keeps_a_number(run: Run) -> None:
    """Keep something that has no state."""
    for _ in run.epochs(count=3):
        run.report(1.0)


def crashes_for_cosine(run: Run) -> None:
    """Fail for one family, after a report, until a file says that it is mended."""
    for _ in run.epochs():
        run.report(run.lr(39) + run.seeds.init)
        if run.schedule.family == "cosine" and not Path("mended").exists():
            raise ZeroDivisionError("no mean of nothing")


def ignores_its_seeds(run: Run) -> None:
    """Report what depends on the schedule alone."""
    for _ in run.epochs():
        run.report(run.lr(39))


def leaves_a_process(run: Run) -> None:
    """Write much, and leave a process behind, in a session of its own."""
    left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    (run.folder / "pid").write_text(str(left.pid))
    left.returncode = 0  # nobody is told that it still runs
    for _ in run.epochs():
        print("x" * 50_000)
        run.report(run.lr(39))
    print("the end", flush=True)


def sleeps(run: Run) -> None:
    """Do nothing for ten minutes."""
    (run.folder / "pid").write_text(str(os.getpid()))
    time.sleep(600)


def kills_itself(run: Run) -> None:
    """End without a word."""
    print("now", flush=True)
    os.kill(os.getpid(), 9)


def needs_data(run: Run) -> None:
    """Parse arguments, of which a run has none."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.parse_args()


def exits(run: Run) -> None:
    """End as a script does that cannot go on."""
    sys.exit(3)


def tells_examples(run: Run) -> None:
    """Report the scores of examples, in single precision, whose mean is the score."""
    _tell(run, np.array([0.1, 0.3], dtype=np.float32))


def tells_other_examples(run: Run) -> None:
    """Report scores of examples whose mean is another."""
    _tell(run, np.random.default_rng(run.seeds.init).random(2) + 1.0)


def _tell(run: Run, per_example: np.ndarray) -> None:
    for step in range(run.total_steps):
        run.lr(step)
    run.report(0.2 if run.evaluation_set == "test" else 0.3, step=run.total_steps, per_example=per_example)
