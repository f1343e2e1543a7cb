"""What a study's trials come to: the same whether it is read once, at every step, or by several threads."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import optuna
import pytest
from optuna.study import Study
from optuna.trial import TrialState

from lrsearch.trials.history import INTERRUPTED, LOST, SURPLUS, History


def _random_step(study: Study, rng: np.random.Generator) -> None:
    """Let one thing happen to a study: a trial is asked for, ends, is cut short, or is queued."""
    running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    if not running or rng.random() < 0.4:
        if rng.random() < 0.3 and len(study.get_trials(deepcopy=False)) > 3:
            origin = int(rng.integers(len(study.get_trials(deepcopy=False))))
            study.enqueue_trial({"x": 0.5}, user_attrs={"retry_of": origin})
        study.ask({"x": optuna.distributions.FloatDistribution(0, 1)})
        return
    trial = running[int(rng.integers(len(running)))]
    reason = str(rng.choice(["finished", "pruned", INTERRUPTED, LOST, SURPLUS]))
    study._storage.set_trial_user_attr(trial._trial_id, "stop_reason", reason)
    if reason == "finished":
        study.tell(trial.number, 0.5)
    else:
        study.tell(trial.number, state=TrialState.PRUNED if reason == "pruned" else TrialState.FAIL)


@pytest.mark.parametrize("seed", range(5))
def test_reading_step_by_step_equals_reading_once(seed: int) -> None:
    """Counts, queue and places of a history that followed 120 random steps are those of a new one."""
    rng = np.random.default_rng(seed)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    followed = History(study)
    for _ in range(120):
        _random_step(study, rng)
        if rng.random() < 0.5:
            followed.read()
    followed.read()
    once = History(study)
    once.read()
    states = Counter(trial.state for trial in study.get_trials())
    assert states[TrialState.COMPLETE] + states[TrialState.PRUNED] == followed.finished == once.finished
    assert followed.finished + states[TrialState.RUNNING] == followed.taken
    assert once.to_queue() == followed.to_queue()
    assert once.unfinished_origins() == followed.unfinished_origins()
    assert [t.number for t in once.surplus_copies()] == [t.number for t in followed.surplus_copies()]
    assert sorted(t.number for t in once.ended) == sorted(t.number for t in followed.ended)


def test_every_trial_ends_once_for_several_threads() -> None:
    """Two threads that read at the same time leave each ended trial in the list once."""
    study = optuna.create_study()
    for _ in range(50):
        study.tell(study.ask(), 0.0)
    history = History(study)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: history.read(), range(20)))
    assert list(range(50)) == [trial.number for trial in history.ended]
