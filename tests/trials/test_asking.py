"""Asking for the next trial: the total is exact, and of copies one alone is run."""

import optuna
from optuna.trial import TrialState

from lrsearch.experiment.workload_experiment import WorkloadExperiment
from lrsearch.trials import asking, requeue
from lrsearch.trials.asking import ask
from lrsearch.trials.history import History
from tests.search.run_helpers import make_config, states
from tests.search.run_helpers import search_in_journal as search

PARAMS = {"family": "constant", "base_lr": 0.1}


def _lost_study() -> optuna.Study:
    """Return a study whose trial 0 was failed as lost by a process that died before it queued the trial again."""
    study = optuna.create_study()
    study.enqueue_trial(PARAMS)
    lost = study.ask()
    lost.set_user_attr("stop_reason", "lost")
    study.tell(lost, state=TrialState.FAIL)
    return study


def test_of_two_copies_of_one_trial_one_runs() -> None:
    """Two processes may queue the same trial in the same moment: the copy asked for later is given up."""
    study = _lost_study()
    for _ in range(2):
        study.enqueue_trial(PARAMS, user_attrs={"retry_of": 0})
    first, second = ask(History(study), total=5), ask(History(study), total=5)
    assert (1, 3) == (first.number, second.number)
    assert "retry_of" not in second.user_attrs
    doubled = study.get_trials()[2]
    assert (TrialState.FAIL, "surplus") == (doubled.state, doubled.user_attrs["stop_reason"])


def test_no_new_trial_takes_the_place_of_one_that_is_about_to_be_queued(folder, monkeypatch) -> None:
    """Where another process has failed a trial and not queued it yet, who asks in this moment runs that trial."""
    study = search(make_config(), 3)
    study.enqueue_trial({"family": "constant", "base_lr": 0.123, "warmup_steps": 1})
    running = study.ask()
    WorkloadExperiment.prepare(make_config()).space.suggest(running)

    def fail_and_requeue(history) -> int:
        """Let the other process come in between, once."""
        monkeypatch.setattr(asking, "requeue_lost", requeue.requeue_lost)
        requeue.requeue_lost(history)
        running.set_user_attr("stop_reason", "lost")
        study.tell(running, state=TrialState.FAIL)
        return 0

    monkeypatch.setattr(asking, "requeue_lost", fail_and_requeue)
    assert running.number == asking.ask(History(study), 4).user_attrs["retry_of"]
    assert asking.ask(History(study), 4) is None
    assert {"COMPLETE": 3, "RUNNING": 1, "FAIL": 2} == states(study)
