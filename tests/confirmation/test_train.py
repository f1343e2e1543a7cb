"""Blocks in training: numbers that are not finite, and a progress that never runs backwards."""

import math
import time
from typing import Any

import pytest

from lrsearch.confirmation.confirm import run_confirm
from lrsearch.confirmation.job import Job
from lrsearch.confirmation.progress import ConfirmProgress
from lrsearch.confirmation.train import confirm_progress
from lrsearch.experiment.options import RunOptions
from tests.search.run_helpers import make_config, search_in_journal

FIXED = make_config(baseline=[{"name": name, "family": name, "base_lr": 0.1} for name in ("constant", "cosine")])
EXAMPLES = "tests.workload_examples"


def _options(**given: Any) -> RunOptions:
    return RunOptions(**{"storage": "journal:///lrsearch.log", "device": "cpu", "workers": 1, **given})


@pytest.mark.parametrize("workload", ["nan_metric", "nan_on_the_test_set"])
def test_a_metric_that_is_not_a_number_is_a_diverged_run(folder, run, caplog, workload) -> None:
    """Every epoch's or the test set's alone: the run counts as diverged at the worst value, and a line names what."""
    config = FIXED.changed({"workload": f"{EXAMPLES}:{workload}"})
    trials = run_confirm(config, _options(), blocks=2).study.get_trials()
    assert 4 == len(trials)
    assert {"diverged"} == {trial.user_attrs["stop_reason"] for trial in trials}
    assert {0.0} == {trial.value for trial in trials}
    assert all(math.isfinite(trial.user_attrs.get("test_loss", 0.0)) for trial in trials)
    assert "cosine in block 0 has diverged in epoch" in caplog.text
    assert run("compare", "--storage", "journal:///lrsearch.log").code in (0, 1, 2)


def test_a_winner_that_is_not_a_number_on_the_test_set_alone_has_diverged(folder, caplog) -> None:
    """After a search the test set is read once, at the end: also then it is no traceback."""
    config = make_config(workload=f"{EXAMPLES}:nan_on_the_test_set", search__pruner="none")
    search_in_journal(config, 3)
    trials = run_confirm(config, _options(), blocks=1).study.get_trials()
    assert [("diverged", 0.0)] * 3 == [(trial.user_attrs["stop_reason"], trial.value) for trial in trials]
    assert not any("test_loss" in trial.user_attrs for trial in trials)
    assert "cosine in block 0 has diverged on the test set" in caplog.text


def test_epochs_of_stored_runs_are_counted_once(folder) -> None:
    """While a process stores the runs of a block it still holds it with all of their epochs."""
    study = run_confirm(FIXED, _options(), blocks=1).study
    job = Job.prepare(FIXED, _options())
    blocks = _blocks(job, 2)

    def progress(block: int, epochs: int) -> ConfirmProgress:
        study.set_user_attr(f"hold:{block:04d}", {"worker": "elsewhere:1:2", "when": time.time(), "epochs": epochs})
        return confirm_progress(job.experiment, study, blocks)

    assert ConfirmProgress(4, 2, 2, 0) == progress(0, 4)
    assert ConfirmProgress(4, 2, 2, 3) == progress(1, 3)
    assert ConfirmProgress(4, 2, 2, 4) == progress(1, 4)


def _blocks(job: Job, blocks: int):
    from lrsearch.confirmation.blocks import plan_blocks

    return plan_blocks(job.experiment, job.searches, blocks=blocks).blocks


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.integration)])
def test_progress_only_rises(folder, workers) -> None:
    """From the first epoch to the last, and on from what an earlier run has stored."""
    shown: list[ConfirmProgress] = []
    run_confirm(FIXED, _options(), blocks=1, on_epoch=shown.append)
    run_confirm(FIXED, _options(workers=workers), blocks=4, on_epoch=shown.append)
    epochs = [state.done * state.epochs + state.epochs_in_training for state in shown]
    assert sorted(epochs) == epochs
    assert 4 in epochs
    if workers == 1:
        assert [2, 4, 6, 8, 10, 12, 14, 16] == epochs
        assert (shown[-1].total, 0) == (shown[-1].done, shown[-1].epochs_in_training)
