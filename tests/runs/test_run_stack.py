"""Runs as lanes of a stack: what the search is told, and what is refused."""

import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lrsearch.errors import InputError
from lrsearch.runs.process.running import RunningThread, Starter
from lrsearch.runs.run_stack import RunStack
from lrsearch.runs.spec import Purpose, RunSeeds, RunSpec
from lrsearch.schedules import make_schedule
from lrsearch.training.lane import EpochMetrics


def spec_of(function: str, *, base_lr: float = 0.5) -> RunSpec:
    """Return a run of 40 updates and 4 reports."""
    return RunSpec(
        f"tests.runs.training_examples:{function}",
        make_schedule("cosine", total_steps=40, base_lr=base_lr).params(),
        {"decay": 0.1},
        RunSeeds(1, 2, 3),
        total_steps=40,
        reports=4,
        epochs=4,
        path=tuple(sys.path),
    )


@contextmanager
def stack_of(*functions: str, start: Starter = RunningThread, purpose: Purpose = "search") -> Iterator[RunStack]:
    """Yield a stack with a run of each function."""
    stack = RunStack(start, reports=4, purpose=purpose, rungs=(1, 2, 3))
    try:
        for key, function in enumerate(functions):
            stack.admit(key, spec_of(function))
        yield stack
    finally:
        stack.close()


def all_epochs(stack: RunStack, key: int = 0) -> list[EpochMetrics]:
    """Let the runs go on until one has ended or diverged; return its metrics."""
    told: list[EpochMetrics] = []
    while not told or (told[-1].epoch < 4 and not told[-1].diverged):
        told += [metrics for other, metrics in stack.run_epoch().items() if other == key]
    return told


def test_each_report_is_an_epoch() -> None:
    """With the training loss that was reported beside the score."""
    with stack_of("quadratic") as stack:
        told = all_epochs(stack)
    assert [1, 2, 3, 4] == [metrics.epoch for metrics in told]
    assert {0.5} == {metrics.train_loss for metrics in told}
    assert all(metrics.score["select"] < 10 for metrics in told)


def test_the_last_report_of_a_confirming_run_is_the_test_score() -> None:
    """It is no point of the validation curve."""
    with stack_of("quadratic", purpose="confirm") as stack:
        told = all_epochs(stack)
        scores = stack.evaluate(0, "test")
    assert [True, True, True, False] == ["select" in metrics.score for metrics in told]
    assert scores.score > 100


def test_runs_wait_for_their_place() -> None:
    """One is trained at a time; the next begins when the first is released."""
    with stack_of("quadratic", "quadratic") as stack:
        assert 4 == len(all_epochs(stack, 0))
        stack.release(0)
        assert 4 == len(all_epochs(stack, 1))


def test_a_run_that_was_released_ends_though_it_catches_everything() -> None:
    """Its place is free for the next."""
    with stack_of("catches_everything", "quadratic") as stack:
        assert 1 == stack.run_epoch()[0].epoch
        stack.release(0)
        assert 4 == len(all_epochs(stack, 1))


@pytest.mark.parametrize(("function", "epoch"), [("diverges", 3), ("raises_diverged", 2)])
def test_a_run_that_diverges_says_so(function, epoch) -> None:
    """By a score that is not finite, or by name."""
    with stack_of(function) as stack:
        told = all_epochs(stack)
    assert (epoch, True) == (told[-1].epoch, told[-1].diverged)
    assert math.isnan(told[-1].score["select"])


def test_a_report_stands_for_all_epochs_since_the_last_one() -> None:
    """Three reports at 13, 26 and 40 of 40 updates are four epochs; the one at step 0 is none."""
    with stack_of("own_rhythm") as stack:
        told = all_epochs(stack)
    assert [1 / 14, 1 / 27, 1 / 41, 1 / 41] == [metrics.score["select"] for metrics in told]


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("never_reports", "it never reports"),
        ("reports_text", "score must be a number, got 'good'"),
        ("ends_early", "the last report must be at total_steps, 40, got one at 20"),
        ("returns_another_score", "it must return the score of its last report, .*, got 7.0"),
        ("uses_no_schedule", "it never uses the schedule"),
        ("too_few_steps", "the rates of 20 updates were asked for, and total_steps is 40"),
        ("too_many_steps", "the scheduler was stepped for 41 updates, and total_steps is 40"),
        ("forgets_its_scheduler", "the scheduler must be kept as well, got optimizer"),
        ("keeps_a_number", "count must have state_dict and load_state_dict, or be a generator .*, got int"),
        ("missing", "has no function 'missing'"),
        ("takes_nothing", "must take one argument, the run, got takes_nothing"),
    ],
)
def test_a_function_that_does_not_do_what_it_must_is_refused(function, said) -> None:
    """In one line that names it."""
    with stack_of(function) as stack, pytest.raises(InputError, match=f"{function}.*{said}"):
        all_epochs(stack)


def test_a_run_that_fails_twice_has_crashed(caplog) -> None:
    """With the error, and where it was raised; it is tried once more before."""
    with stack_of("fails") as stack:
        while not stack.crashes():
            assert not stack.run_epoch()
        crash = stack.crashes()[0]
    assert "ZeroDivisionError: no mean of nothing (training_examples.py, line" in crash.error
    assert "Traceback" in crash.output
    assert 1 == sum("tried once more" in record.message for record in caplog.records)


def test_a_run_that_exits_has_failed_with_its_exit_code() -> None:
    """Not by a place in the code: why, it has written itself."""
    with stack_of("exits") as stack:
        while not stack.crashes():
            assert not stack.run_epoch()
        assert "it ended with exit code 3" == stack.crashes()[0].error


def test_scores_of_examples_are_kept_where_their_mean_is_the_score(caplog) -> None:
    """Else the intervals would be those of another metric: it is said once, and the runs go on."""
    with stack_of("tells_examples", "tells_other_examples", "tells_other_examples", purpose="confirm") as stack:
        for key in range(3):
            all_epochs(stack, key)
            scores = stack.evaluate(key, "test")
            assert scores.score == pytest.approx(0.2)
            assert (key == 0) == (scores.per_example is not None)
            stack.release(key)
    assert [True] == ["the mean of per_example is not the score" in message for message in caplog.messages]
