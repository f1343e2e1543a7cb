"""What every adapter must do, asked of a training function that uses it."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from torch.optim.optimizer import register_optimizer_step_pre_hook

from lrsearch import InputError, Pruned, Run
from lrsearch.runs.messages import Message, Report, Resumed
from lrsearch.runs.run import Run as StartedRun
from lrsearch.runs.spec import RunSeeds, RunSpec
from lrsearch.schedules import make_schedule

STEPS, REPORTS = 40, 4
Train = Callable[[Run], float]


def marks_of(*libraries: str) -> list[pytest.MarkDecorator]:
    """Return the marks of tests on real libraries, which are imported by the test alone: that takes seconds."""
    missing = [library for library in libraries if find_spec(library) is None]
    return [
        pytest.mark.integration,
        pytest.mark.filterwarnings("default"),  # of the libraries' own
        pytest.mark.skipif(bool(missing), reason=f"needs {', '.join(missing)}"),
    ]


class Killed(Exception):
    """Stands for a kill."""


class Search:
    """Keeps what a run reports, and prunes or kills it at some report."""

    def __init__(self, *, prunes_at: int | None = None, kills_at: int | None = None) -> None:
        self.reports: list[Report] = []
        self.replayed = 0
        self._prunes_at, self._kills_at = prunes_at, kills_at

    def report(self, report: Report) -> bool:
        """Keep a report; return whether the run is pruned."""
        if report.epoch == self._kills_at:
            raise Killed
        self.reports.append(report)
        return report.epoch == self._prunes_at

    def tell(self, message: Message) -> None:
        """Keep what a run had reported before."""
        assert isinstance(message, Resumed)
        self.reports += message.reports
        self.replayed = len(message.reports)

    @property
    def told(self) -> list[tuple[int, int, float, bool]]:
        """What was reported, by epoch and step."""
        return [(report.epoch, report.step, report.score, report.test) for report in self.reports]


def run_in(folder: Path, search: Search, **changes: object) -> Run:
    """Return a run of 40 updates and 4 reports that writes a checkpoint wherever it may."""
    folder.mkdir(exist_ok=True)
    given = {
        "training": "tests.adapters:train",
        "schedule": make_schedule("cosine", total_steps=STEPS, base_lr=0.05).params(),
        "parameters": {},
        "seeds": RunSeeds(1, 2, 3),
        "total_steps": STEPS,
        "reports": REPORTS,
        "epochs": REPORTS,
        "folder": str(folder),
        "checkpoint_seconds": 0.0,
    }
    return StartedRun(RunSpec(**{**given, **changes}), search)  # type: ignore[arg-type]


def undisturbed(train: Train, folder: Path, **changes: object) -> Search:
    """Train one run to its end, which must be as a run's end must be."""
    search = Search()
    run = run_in(folder, search, **changes)
    run.finish(train(run))
    return search


def check_reports(train: Train, folder: Path) -> None:
    """Expect a report after each equal part, on validation data, and every update made."""
    search = undisturbed(train, folder)
    assert [(1, 10, False), (2, 20, False), (3, 30, False), (4, 40, False)] == [
        (epoch, step, test) for epoch, step, _, test in search.told
    ]


def check_rates(train: Train, folder: Path) -> None:
    """Expect every update of every parameter group to use the schedule's rate."""
    run, rates = run_in(folder, Search()), []

    def note(optimizer: torch.optim.Optimizer, *_: object) -> None:
        rates.append({group["lr"] for group in optimizer.param_groups})

    hook = register_optimizer_step_pre_hook(note)
    try:
        train(run)
    finally:
        hook.remove()
    expected = [run.lr(step) for step in range(STEPS)]
    assert expected == pytest.approx([rate for (rate,) in rates])


def check_confirmed(train: Train, folder: Path) -> None:
    """Expect the last report of a confirming run alone on test data, and those of a search before it."""
    searching, confirming = (
        undisturbed(train, folder / purpose, purpose=purpose).told for purpose in ("search", "confirm")
    )
    assert searching[:-1] == confirming[:-1]
    assert [False, True] == [searching[-1][-1], confirming[-1][-1]]
    assert searching[-1][2] != confirming[-1][2]


def check_pruned(train: Train, folder: Path) -> None:
    """Expect the end at the report that is answered so, and nothing after it."""
    search = Search(prunes_at=2)
    with pytest.raises(Pruned):
        train(run_in(folder, search))
    assert 2 == search.reports[-1].epoch


def check_killed_and_resumed(train: Train, folder: Path) -> None:
    """Expect it to go on from its last checkpoint and to end as the undisturbed run, to the bit."""
    expected = undisturbed(train, folder / "undisturbed").told
    with pytest.raises(Killed):
        train(run_in(folder / "killed", Search(kills_at=3)))
    again = undisturbed(train, folder / "killed")
    assert 2 == again.replayed
    assert expected == again.told


def check_test_data_is_asked_for(train: Train, folder: Path) -> None:
    """Expect a confirming run without them to be refused in one line."""
    with pytest.raises(InputError, match=r"^test must be the data of the last report .* got None; .*test = false$"):
        train(run_in(folder, Search(), purpose="confirm"))
