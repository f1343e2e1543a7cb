"""Short searches that the tests of the main job share, and ways to look at what they leave."""

import os
import tomllib
from collections import Counter
from collections.abc import Callable
from typing import Any

from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from lrsearch.config import StudyConfig
from lrsearch.experiment.options import RunOptions
from lrsearch.search.optimize import run_search
from lrsearch.search.progress import SearchState
from tests.conftest import STUDY

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)


def make_config(**changes: Any) -> StudyConfig:
    """Return the short study with values replaced by dotted key, a double underline for each dot."""
    config = StudyConfig.from_dict(tomllib.loads(STUDY))
    return config.changed({name.replace("__", "."): value for name, value in changes.items()})


def search(config: StudyConfig, trials: int = 6, *, database: str = "lrsearch.db", **options: Any) -> Study:
    """Search in this process, three lanes side by side, in a database of the working directory."""
    return search_and_state(config, trials, database=database, **options)[0]


def search_and_state(
    config: StudyConfig, trials: int, *, database: str = "lrsearch.db", on_epoch=lambda _: None, **options: Any
) -> tuple[Study, SearchState]:
    """Search as `search` does; return the study and the state at the end."""
    given = {"storage": f"sqlite:///{database}", "device": "cpu", "lanes": 3, "workers": 1, **options}
    studies, state = run_search(config.changed({"search.trials": trials}), RunOptions(**given), on_epoch)
    return studies[0], state


def finished(study: Study) -> list[FrozenTrial]:
    """Return the finished trials by number."""
    return study.get_trials(states=FINISHED)


def states(study: Study) -> Counter[str]:
    """Count the trials by state."""
    return Counter(trial.state.name for trial in study.get_trials())


def families(study: Study) -> Counter[str]:
    """Count the finished trials by family."""
    return Counter(trial.params["family"] for trial in finished(study))


def lasting(trial: FrozenTrial) -> dict[str, Any]:
    """Return what a trial leaves, but for its number, its times and its process."""
    passing = ("seconds", "worker", "retry_of", "heartbeat", "resumed_after_epochs")
    return {
        "state": trial.state,
        "values": trial.values,
        "params": trial.params,
        "reported": trial.intermediate_values,
        **{name: value for name, value in trial.user_attrs.items() if name not in passing},
    }


def signal_in(calls: int, signum: int) -> Callable[[object], None]:
    """Return an `on_epoch` that sends this process a signal when it is called for the `calls`-th time."""
    seen: list[object] = []

    def on_epoch(state: object) -> None:
        seen.append(state)
        if len(seen) == calls:
            os.kill(os.getpid(), signum)

    return on_epoch
