"""Short searches that the tests of the main job share, and ways to look at what they leave."""

import signal
import tomllib
from collections import Counter
from collections.abc import Callable
from typing import Any

from optuna import create_study
from optuna.distributions import CategoricalDistribution
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState, create_trial

from lrsearch.config import StudyConfig
from lrsearch.experiment.options import RunOptions
from lrsearch.experiment.workload_experiment import WorkloadExperiment
from lrsearch.search.optimize import prepare_studies, run_search
from lrsearch.search.progress import SearchState
from lrsearch.storage import load_study, open_storage
from tests.conftest import STUDY

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
JOURNAL = "lrsearch.log"
"""A database for tests that are not about SQLite: a search in a journal takes a third of the processor time."""


def make_config(**changes: Any) -> StudyConfig:
    """Return the short study with values replaced by dotted key, a double underline for each dot."""
    config = StudyConfig.from_dict(tomllib.loads(STUDY))
    return config.changed({name.replace("__", "."): value for name, value in changes.items()})


def address(database: str) -> str:
    """Return the address of a database file: a journal's ends in .log."""
    return f"{'journal' if database.endswith('.log') else 'sqlite'}:///{database}"


def stored(database: str = "lrsearch.db", name: str = "tab") -> Study:
    """Open the search of a database of the working directory."""
    return load_study(open_storage(address(database)), name)


def begun(config: StudyConfig, *, database: str = "lrsearch.db") -> Study:
    """Begin a search and run none of its trials."""
    experiment, options = WorkloadExperiment.prepare(config, device="cpu"), RunOptions(storage=address(database))
    return prepare_studies(experiment, options, open_storage(options.storage))[0].study


def search(config: StudyConfig, trials: int = 6, *, database: str = "lrsearch.db", **options: Any) -> Study:
    """Search in this process, three lanes side by side, in a database of the working directory."""
    return search_and_state(config, trials, database=database, **options)[0]


def search_in_journal(config: StudyConfig, trials: int = 6, *, database: str = JOURNAL, **options: Any) -> Study:
    """Search as `search` does, in a journal."""
    return search(config, trials, database=database, **options)


def search_and_state(
    config: StudyConfig, trials: int, *, database: str = "lrsearch.db", on_epoch=lambda _: None, **options: Any
) -> tuple[Study, SearchState]:
    """Search as `search` does; return the study and the state at the end."""
    given = {"storage": address(database), "device": "cpu", "lanes": 3, "workers": 1, **options}
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
            signal.raise_signal(signum)  # to this very thread: `kill` may be a moment late

    return on_epoch


def hand_made(trials, direction="maximize"):
    """Return a study of (family, state, value)."""
    study = create_study(direction=direction)
    for family, state, value in trials:
        study.add_trial(
            create_trial(
                state=state,
                value=value,
                params={"family": family},
                distributions={"family": CategoricalDistribution(("cosine", "linear", "rex"))},
                intermediate_values={1: value},
                user_attrs={"schedule": {"family": family}, "init_seed": 1, "order_seed": 2},
            )
        )
    return study
