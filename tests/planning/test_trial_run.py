"""A short trial run, watched."""

from dataclasses import replace

import pytest
import torch

from lrsearch.errors import RunError
from lrsearch.planning.measure import NOMINAL_RATE, trial_spec
from lrsearch.planning.trial_run import ASSUMED_PARAMETER, _Seen, _WatchedRun, try_run
from lrsearch.runs.messages import Report
from tests.runs.training_examples import network, own_rhythm, quadratic

EXAMPLES = "tests.runs.training_examples"


class _Told:
    """A channel that keeps what is said."""

    def __init__(self) -> None:
        self.seen: list[_Seen] = []
        self.reports: list[Report] = []

    def tell(self, message) -> None:
        self.seen.append(message)

    def report(self, report) -> bool:
        self.reports.append(report)
        return False


def watched(function, tmp_path, *, steps: int = 40) -> _Told:
    """Return what a function tells in this process."""
    told = _Told()
    function(_WatchedRun(trial_spec("any:function", tmp_path, total_steps=steps, reports=4), told))
    return told


def test_what_a_loop_is_counted_by_and_its_updates_are_seen(tmp_path) -> None:
    """The run's epochs or steps, or a loop of its own; the optimizer, its rate, and the parameters asked for."""
    by_epochs = watched(quadratic, tmp_path).seen[-1]
    assert ("epochs", 40, "", ("decay",)) == (by_epochs.loop, by_epochs.updates, by_epochs.optimizer, by_epochs.asked)
    by_steps = watched(network, tmp_path).seen[-1]
    assert ("steps", 40, 40, "SGD", NOMINAL_RATE, None) == (
        by_steps.loop,
        by_steps.updates,
        by_steps.optimizer_steps,
        by_steps.optimizer,
        by_steps.own_rate,
        by_steps.wrong_rate,
    )
    assert (True, False) == (by_epochs.asks_set, by_steps.asks_set)
    assert "own" == watched(own_rhythm, tmp_path).seen[-1].loop


def test_a_parameter_that_nobody_gave_gets_a_number(tmp_path) -> None:
    """So that a script can be tried before its study file is written."""
    run = _WatchedRun(trial_spec("any:function", tmp_path, total_steps=4, reports=2), _Told())
    assert ASSUMED_PARAMETER == run.parameters["decay"]
    assert not list(run.parameters)


def test_a_rate_that_is_not_the_schedules_is_seen(tmp_path) -> None:
    """The first update in which the optimizer had another one."""

    def sets_its_own(run) -> None:
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.5)
        scheduler = run.scheduler(optimizer)
        for step in range(3):
            if step == 1:
                optimizer.param_groups[0]["lr"] = 0.25
            optimizer.step()
            scheduler.step()
        run.report(1.0, step=4)

    seen = watched(sets_its_own, tmp_path, steps=4).seen[-1]
    assert (0.5, (1, 0.25, pytest.approx(NOMINAL_RATE))) == (seen.own_rate, seen.wrong_rate)


@pytest.mark.integration
def test_a_run_is_tried_in_a_process_of_its_own(tmp_path) -> None:
    """Two reports with their times; killed, it goes on from its checkpoint to the same score; errors are told."""
    spec = trial_spec(f"{EXAMPLES}:dropout", tmp_path, total_steps=40, reports=4)
    first = try_run(spec)
    assert ("epochs", (10, 20), 2) == (first.loop, first.updates, len(first.scores))
    assert 0 < first.seconds[0] < first.seconds[1]
    assert 0 < first.start_seconds + first.report_seconds <= first.seconds[1]
    again = try_run(spec)
    assert first.scores[:1] == again.resumed
    assert first.scores[1] == again.scores[0]
    assert "steps" == try_run(replace(spec, training=f"{EXAMPLES}:network"), only_loop=True).loop
    with pytest.raises(RunError, match="no mean of nothing"):
        try_run(replace(spec, training=f"{EXAMPLES}:fails"))
    with pytest.raises(RunError, match=r"exit code 2: .*needs_data: error: .* required: --data"):
        try_run(replace(spec, training=f"{EXAMPLES}:needs_data"))
