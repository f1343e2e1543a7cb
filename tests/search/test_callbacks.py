"""Callbacks as Optuna's users know them: told of every finished trial once, wherever it was trained."""

import signal

import pytest
from optuna.trial import TrialState

import lrsearch
from lrsearch.experiment.options import RunOptions
from lrsearch.processes.interruption import Interrupted
from lrsearch.search.optimize import run_search
from tests.search.run_helpers import FINISHED, finished, make_config, signal_in


class Notes:
    """A callback that cannot be pickled, as those that hold a connection."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, int, TrialState]] = []
        self.unpicklable = lambda: None

    def __call__(self, study, trial) -> None:
        """Write down what it is told, and spoil its copy."""
        self.seen.append((study.study_name, trial.number, trial.state))
        assert "schedule" in trial.user_attrs
        assert "stop_reason" in trial.user_attrs
        trial.user_attrs.clear()


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.integration)])
def test_every_finished_trial_is_told_of_once(folder, workers):
    """In this process or two others, over two replicates and a second run: what finished, in its final state.

    A trial that two processes asked for in one moment and one gave up has failed, and is nothing to tell of.
    """
    config = make_config(search__replicates=2)
    first, second = Notes(), Notes()
    options = {"storage": f"journal:///{folder}/a.log", "workers": workers, "lanes": 2}
    lrsearch.optimize(config, trials=3, callbacks=[first], **options)
    assert 6 == len(first.seen) == len(set(first.seen))
    lrsearch.optimize(config, trials=5, callbacks=[second], **options)
    studies, _ = run_search(config.changed({"search.trials": 5}), RunOptions(**options), callbacks=[first])
    stored = [(study.study_name, t.number, t.state) for study in studies for t in study.get_trials(states=FINISHED)]
    assert sorted(stored) == sorted(first.seen + second.seen)


def test_an_interrupted_search_has_told_of_what_finished(folder):
    """Also of trials that finished in the very epoch of the signal; the given-back ones are not finished."""
    notes, config = Notes(), make_config(search__trials=6)
    options = RunOptions(storage=f"journal:///{folder}/a.log", workers=1, lanes=2, device="cpu")
    with pytest.raises(Interrupted):
        run_search(config, options, on_epoch=signal_in(3, signal.SIGINT), callbacks=[notes])
    again = Notes()
    studies, _ = run_search(config, options, callbacks=[again])
    finished = [t.number for t in studies[0].get_trials(states=(TrialState.COMPLETE, TrialState.PRUNED))]
    assert 0 < len(notes.seen) < 6
    assert finished == sorted(number for _, number, _ in notes.seen + again.seen)


def test_an_error_of_a_callback_is_raised_and_loses_no_trial(folder):
    """As by Study.optimize; the next run continues."""
    config, options = make_config(search__trials=4), {"storage": f"journal:///{folder}/a.log", "workers": 1, "lanes": 2}

    def fails(study, trial):
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        lrsearch.optimize(config, callbacks=[fails], **options)
    assert 4 == len(lrsearch.optimize(config, **options).get_trials(states=(TrialState.COMPLETE, TrialState.PRUNED)))


@pytest.mark.integration
def test_processes_follow_to_another_folder(tmp_path, monkeypatch):
    """A relative address means the folder of the call, also for processes that an earlier call has left running."""
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        study = lrsearch.optimize(make_config(), trials=2, storage="sqlite:///a.db", workers=2, lanes=1)
        assert 2 == len(finished(study))
