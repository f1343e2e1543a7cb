"""What a training function sees, and how the search hears of it."""

import math

import numpy as np
import pytest
import torch

from lrsearch.errors import InputError
from lrsearch.runs.errors import Diverged, Pruned
from lrsearch.runs.messages import Message, Report
from lrsearch.runs.run import Run
from lrsearch.runs.spec import RunSeeds, RunSpec
from lrsearch.schedules import make_schedule


class Judge:
    """A search that keeps what it is told, and ends the run at some report."""

    def __init__(self, ends_at: int | None = None) -> None:
        self.heard: list[Report] = []
        self._ends_at = ends_at

    def tell(self, message: Message) -> None:
        """Hear nothing else."""
        raise AssertionError(message)

    def report(self, report: Report) -> bool:
        """Keep a report."""
        self.heard.append(report)
        return len(self.heard) == self._ends_at


def make_spec(**changes: object) -> RunSpec:
    """Return a run of 40 updates and 4 reports."""
    given = {
        "training": "tests.runs.training_examples:quadratic",
        "schedule": make_schedule("cosine", total_steps=40, base_lr=0.5).params(),
        "parameters": {"decay": 0.1},
        "seeds": RunSeeds(1, 2, 3),
        "total_steps": 40,
        "reports": 4,
        "epochs": 4,
    }
    return RunSpec(**{**given, **changes})  # type: ignore[arg-type]


def make_run(judge: Judge | None = None, **changes: object) -> Run:
    """Return the run for a training function."""
    return Run(make_spec(**changes), judge or Judge())


def test_every_group_keeps_its_ratio_and_the_rate_is_that_of_the_schedule() -> None:
    """A group at a tenth of the first one's rate stays there over the whole run."""
    run = make_run()
    first, second = (torch.zeros(1, requires_grad=True) for _ in range(2))
    optimizer = torch.optim.SGD([{"params": [first], "lr": 9.0}, {"params": [second], "lr": 0.9}], lr=1.0)
    scheduler = run.scheduler(optimizer)
    rates = []
    for _ in range(run.total_steps):
        rates.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        scheduler.step()
    expected = make_schedule("cosine", total_steps=40, base_lr=0.5).lr(np.arange(40))
    np.testing.assert_allclose(expected, [rate for rate, _ in rates])
    np.testing.assert_allclose(0.1 * expected, [rate for _, rate in rates])


@pytest.mark.parametrize("purpose", ["search", "confirm"])
@pytest.mark.parametrize("test", [True, False])
def test_the_test_set_is_read_at_the_last_report_of_a_confirming_run_alone(purpose, test) -> None:
    """A search never reads it, nor does a study that has none."""
    run = make_run(purpose=purpose, test=test)
    sets = []
    for _ in run.epochs():
        sets.append(run.evaluation_set)
        run.report(1.0)
    last = "test" if purpose == "confirm" and test else "validation"
    assert ["validation"] * 3 + [last] == sets


def test_the_test_set_is_read_at_the_last_step_that_is_given_though_updates_were_skipped() -> None:
    """Mixed precision skips some, so that the scheduler lags."""
    judge = Judge()
    run = make_run(judge, purpose="confirm")
    run.scheduler(torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0))
    assert ["validation", "test"] == [run.evaluation_set_at(step) for step in (39, 40)]
    run.report(1.0, step=30)
    run.report(1.0, step=40)
    assert [False, True] == [report.test for report in judge.heard]


@pytest.mark.parametrize("by", ["epochs", "steps", "step", "scheduler"])
def test_reports_fall_on_equal_parts_however_the_run_counts(by) -> None:
    """By epochs, by updates, by the step given, or by what the scheduler has counted."""
    judge = Judge()
    run = make_run(judge)
    if by == "epochs":
        for _ in run.epochs():
            run.report(1.0)
    elif by == "steps":
        for step in run.steps():
            if run.report_due(step):
                run.report(1.0)
    elif by == "step":
        for step in (10, 20, 30, 40):
            run.report(1.0, step=step)
    else:
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
        scheduler = run.scheduler(optimizer)
        for update in range(40):
            optimizer.step()
            scheduler.step()
            if update % 10 == 9:
                run.report(1.0)
    assert [(1, 10), (2, 20), (3, 30), (4, 40)] == [(report.epoch, report.step) for report in judge.heard]


def test_a_run_waits_for_the_search_only_where_that_decides() -> None:
    """At the first report at or beyond a rung; never at step 0, between two parts, or at the end."""
    judge = Judge()
    run = make_run(judge, rungs=(1, 3))
    for step in (0, 4, 13, 15, 24, 35, 40):
        run.report(1.0, step=step)
    assert [13, 35] == [report.step for report in judge.heard if report.waits]
    jumps = Judge()
    run = make_run(jumps, rungs=(3,))
    for step in (20, 40):
        run.report(1.0, step=step)
    assert [False, False] == [report.waits for report in jumps.heard]


def test_a_pruned_run_stays_pruned() -> None:
    """A function that catches it is told again, and says nothing more to the search."""
    judge = Judge(ends_at=2)
    run = make_run(judge)
    run.report(1.0, step=10)
    for step in (20, 30):
        with pytest.raises(Pruned, match="pruned by the search after 20 of 40 updates"):
            run.report(1.0, step=step)
    assert 2 == len(judge.heard)


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf, np.float32("nan"), torch.tensor(math.nan)])
def test_a_score_that_is_not_finite_ends_the_run(score) -> None:
    """The search hears of it."""
    judge = Judge()
    with pytest.raises(Diverged):
        make_run(judge).report(score, step=10)
    assert not math.isfinite(judge.heard[0].score)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("good", 10), "score must be a number, got 'good'"),
        ((True, 10), "score must be a number, got True"),
        ((1.0, 41), "at most total_steps, 40, got 41"),
        ((1.0, -1), "whole number, not below that of the last one, 0; got -1"),
        ((1.0, 1.5), "whole number, not below that of the last one, 0; got 1.5"),
    ],
)
def test_a_report_that_cannot_be_meant_is_refused(given, said) -> None:
    """By name, rule and value."""
    with pytest.raises(InputError, match=said):
        make_run().report(given[0], step=given[1])


def test_seeds_differ_by_what_they_are_for_and_are_equal_for_equal_runs() -> None:
    """Each epoch has an order of its own; evaluation depends on the split alone."""
    seeds, twin = RunSeeds(1, 2, 3), RunSeeds(9, 8, 3)
    drawn = [seeds.init, seeds.order, seeds.split, seeds.evaluation, *(seeds.order_of(epoch) for epoch in range(5))]
    assert len(set(drawn)) == len(drawn)
    assert seeds.evaluation == twin.evaluation
    assert seeds.order_of(3) == RunSeeds(7, 2, 7).order_of(3)


@pytest.mark.parametrize(
    ("test", "asks", "said"),
    [(True, lambda _: None, "never asks for run.evaluation_set"), (False, lambda _: None, "")]
    + [(True, asks, "") for asks in (lambda run: run.evaluation_set, lambda run: run.purpose)],
)
def test_a_score_that_may_not_be_of_the_test_set_is_told(test, asks, said) -> None:
    """Of a run that asks neither on which data to measure nor what it is for, where there is a test set."""
    run = make_run(test=test)
    asks(run)
    run.lr(39)
    run.report(1.0, step=40)
    note = run.finish(None)
    assert said in note
    assert bool(said) == bool(note)
