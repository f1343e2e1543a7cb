"""Trials of any version or program are read back."""

import optuna

from lrsearch.storage import (
    to_record,
)


def test_a_trial_of_every_state_is_read(folder) -> None:
    """Only a finished trial has a value; what was not written stays at its default."""
    study = optuna.create_study(direction="maximize")
    study.enqueue_trial({"x": 0.5})
    waiting = to_record(study.get_trials()[0])
    running = study.ask()
    running.report(0.25, 1)
    assert (("waiting", None), ("running", None)) == (
        (waiting.state, waiting.value),
        (to_record(study.get_trials()[0]).state, to_record(study.get_trials()[0]).value),
    )
    study.tell(running, state=optuna.trial.TrialState.PRUNED)
    record = to_record(study.get_trials()[0])
    assert ("pruned", 0.25, {1: 0.25}) == (record.state, record.value, record.reported)
    assert ((), {}, "", None) == (record.curve.train_loss, record.schedule, record.stop_reason, record.block)
    failed = study.ask()
    study.tell(failed, state=optuna.trial.TrialState.FAIL)
    assert ("fail", None) == (to_record(study.get_trials()[1]).state, to_record(study.get_trials()[1]).value)
