"""Trials that a user adds to a confirmation or an audit by hand: left out everywhere, with one line that says so."""

import json
from pathlib import Path

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import TrialState, create_trial

from lrsearch.confirmation.confirm import run_confirm
from lrsearch.errors import InputError
from lrsearch.experiment.options import RunOptions
from lrsearch.export import best_trials
from lrsearch.storage import StoredStudy, back_up, load_study, open_storage
from tests.confirmation_examples import config_of, noisy, stored
from tests.search.run_helpers import make_config, search

CONFIG = make_config(training__epochs=4, search__families=["constant", "cosine"], search__trials=20)
STUDY = (
    'name = "tab"\nworkload = "tests.workload_examples:tabular"\n[training]\nepochs = 4\n'
    '[search]\nfamilies = ["constant", "cosine"]\ntrials = 20\n'
)
AGAIN = ("confirm", "tab.toml", "--blocks", "6", "--workers", "1", "--device", "cpu")
PARTS = ("tab", "tab/confirm", "tab/audit")


@pytest.fixture(scope="module")
def confirmed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database of a search, its confirmation and the audit of its pruning."""
    path = tmp_path_factory.mktemp("by-hand") / "confirmed.db"
    options = RunOptions(storage=f"sqlite:///{path}", device="cpu", workers=1)
    search(CONFIG, 20, database=str(path))
    run_confirm(CONFIG, options, blocks=6, audit_pruned=0.5)
    return path


@pytest.fixture
def database(confirmed: Path, folder: Path) -> Path:
    """Return a copy of that database in the working directory, with the study file beside it."""
    (folder / "tab.toml").write_text(STUDY)
    return back_up(f"sqlite:///{confirmed}", folder / "lrsearch.db")


def _add_by_hand(name: str) -> None:
    """Add a trial in each way that Optuna has, five in all: complete, pruned, of plain `optimize`, running, waiting."""
    study = load_study(open_storage(), name)
    other = {"params": {"x": 0.5}, "distributions": {"x": FloatDistribution(0, 1)}}
    study.add_trial(create_trial(value=0.99, **other))
    study.add_trial(create_trial(state=TrialState.PRUNED, value=0.3, **other))
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
    study.ask()
    study.enqueue_trial({"x": 0.25})


def _count(name: str) -> int:
    return len(load_study(open_storage(), name).get_trials(deepcopy=False))


def test_a_confirmation_continues_and_nothing_is_trained_again(run, database) -> None:
    """Confirm with its audit gives what it gave before; a larger share adds to it."""
    flags = ("--audit-pruned", "0.5", "--format", "json")
    before = json.loads(run(*AGAIN, *flags).out)
    for name in PARTS:
        _add_by_hand(name)
    counts = {part: _count(part) for part in PARTS}
    again = run(*AGAIN, *flags)
    assert before == json.loads(again.out)
    for name in PARTS:
        said = f"5 trials were added to {name!r} by hand, not by lrsearch confirm: left out"
        assert (name != "tab") == (said in again.err)
    assert counts == {part: _count(part) for part in PARTS}
    more = json.loads(run(*AGAIN, "--audit-pruned", "1", "--format", "json").out)
    assert before["pruning audit"]["pruned trials finished"] < more["pruning audit"]["pruned trials finished"]


def test_a_verdict_says_that_they_are_left_out_and_is_the_same(run, database) -> None:
    """Compare gives the same numbers, with one warning more from when the confirmation was added to."""
    before = json.loads(run("compare", "--format", "json").out)
    said = "5 trials were added to 'tab/confirm' by hand, not by lrsearch confirm: left out"
    for name, expected in (("tab", []), ("tab/audit", []), ("tab/confirm", [said])):
        _add_by_hand(name)
        after = json.loads(run("compare", "--format", "json").out)
        added = [warning for warning in after.pop("warnings") if warning not in before["warnings"]]
        assert expected == added
        assert {key: value for key, value in before.items() if key != "warnings"} == after


def test_an_export_is_the_same(run, database) -> None:
    """The best trial and the recommended ones do not change, nor do their confirmed scores."""
    flags = ("export", "--format", "json")
    before = json.loads(run(*flags).out)
    for name, warned in (("tab", False), ("tab/audit", False), ("tab/confirm", True)):
        _add_by_hand(name)
        after = run(*flags)
        assert before == json.loads(after.out)
        assert warned == ("5 trials were added to 'tab/confirm' by hand" in after.err)
    assert 0 == run("export", "--recommended", "-o", "best").code


@pytest.mark.integration
@pytest.mark.parametrize("name", PARTS)
def test_the_other_reading_commands_go_on(run, database, name) -> None:
    """Report, lists, plan and doctor end with code 0; the lists show what is there, the report names what it omits."""
    _add_by_hand(name)
    report = run("report")
    assert 0 == report.code, report.err
    assert (name != "tab") == (f"5 trials were added to {name!r} by hand" in report.err)
    rows = json.loads(run("trials", "--study-name", name, "--format", "json").out)
    assert _count(name) == len(rows)
    assert {"complete", "pruned", "running", "waiting"} <= {row["state"] for row in rows}
    listed = {row["study"]: row for row in json.loads(run("studies", "--format", "json").out)}
    assert (1, 1) == (listed[name]["running"], listed[name]["waiting"])
    for command in (("plan", "tab.toml", "--pilot", "tab"), ("doctor", "--workload", CONFIG.workload)):
        ended = run(*command, "--device", "cpu")
        assert 0 == ended.code, ended.err


def test_a_winner_has_all_parameters_of_its_family(run, database) -> None:
    """A trial added by hand that names a family and nothing else is not confirmed, however good its value."""
    study = load_study(open_storage(), "tab")
    families = optuna.distributions.CategoricalDistribution(CONFIG.search.families)
    study.add_trial(create_trial(value=0.999, params={"family": "cosine"}, distributions={"family": families}))
    again = run(*AGAIN)
    assert 0 == again.code, again.err


def test_a_schedule_added_to_fixed_ones_is_no_entry(folder) -> None:
    """A trial of our objective in a confirmation has a schedule and a value, but no block: it is not exported."""
    study = stored(open_storage(), config_of(), {"constant": noisy(80.0, 6)})
    schedule = {"family": "cosine", "base_lr": 0.1, "total_steps": 10}
    study.add_trial(create_trial(value=0.99, user_attrs={"schedule": schedule, "entry": "cosine"}))
    assert ["constant"] == [record.family for _, record in best_trials(StoredStudy.of(study))]
    with pytest.raises(InputError, match="no complete trial of cosine in"):
        best_trials(StoredStudy.of(study), "cosine")
