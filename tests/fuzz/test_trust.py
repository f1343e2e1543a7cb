"""Data cannot run code: a workload is imported at a person's word alone, and nothing is ever unpickled."""

import ast
import inspect
import json
import uuid
from pathlib import Path

import optuna
import pytest

import lrsearch
from lrsearch.config import StudyConfig
from lrsearch.errors import InputError
from lrsearch.metric import ACCURACY, Metric
from lrsearch.report.dashboard import make_dashboard
from lrsearch.storage import create_study, open_storage

DB = "sqlite:///lrsearch.db"
PACKAGE = Path(lrsearch.__file__).parent
MODULE = """
import pathlib
pathlib.Path({marker!r}).touch()
from tests.workload_examples import tabular
"""


@pytest.fixture
def foreign(folder, monkeypatch):
    """Return the address of a workload that is not imported yet, and the file that importing it leaves."""
    name, marker = f"foreign_{uuid.uuid4().hex}", folder / "imported"
    (folder / f"{name}.py").write_text(MODULE.format(marker=str(marker)))
    monkeypatch.syspath_prepend(folder)
    return f"{name}:tabular", marker


@pytest.fixture
def stored(foreign):
    """Return a search in a database that names the foreign workload, as anybody can write it there."""
    baseline = {"name": "fixed", "family": "constant", "base_lr": 0.1}
    data = {"name": "theirs", "workload": foreign[0], "training": {"epochs": 1}, "baseline": [baseline]}
    config = StudyConfig.from_dict(data | {"search": {"families": ["constant"], "trials": 1}})
    study = create_study(open_storage(DB), "theirs", config, metric=ACCURACY, data_fingerprint="", attributes={})
    trial = optuna.trial.create_trial(
        params={"family": "constant"},
        distributions={"family": optuna.distributions.CategoricalDistribution(["constant"])},
        value=0.5,
        user_attrs={"schedule": {"family": "constant", "base_lr": 0.1, "total_steps": 10}, "epochs": 1},
    )
    study.add_trial(trial)
    return study


def _document(workload):
    schedule = {"family": "constant", "base_lr": 0.1, "total_steps": 10}
    return json.dumps({"schedule": schedule, "training": {"epochs": 1, "workload": workload}})


def test_confirm_imports_nothing_that_a_database_names(run, stored, foreign):
    """Without a word from a person the command refuses, names the workload and both ways out, and runs nothing."""
    complaint = run("confirm", "--study-name", "theirs", "--workers", 1, "--device", "cpu").complaint
    assert repr(foreign[0]) in complaint
    assert "--workload" in complaint
    assert "--trust-storage" in complaint
    assert not foreign[1].exists()


def test_confirm_from_python_imports_nothing_that_a_database_names(stored, foreign):
    """A study that was opened and not made here is refused too, with the keyword that trusts it."""
    with pytest.raises(InputError, match="trust_storage=True"):
        lrsearch.confirm(stored)
    assert not foreign[1].exists()


@pytest.mark.parametrize("named", [True, False], ids=["--workload", "--trust-storage"])
def test_both_ways_out_of_a_refused_confirmation_import_the_workload(run, stored, foreign, named):
    """A person who names the same workload, or trusts the storage, gets beyond the refusal (to data that differ)."""
    word = ["--workload", foreign[0]] if named else ["--trust-storage"]
    outcome = run("confirm", "--study-name", "theirs", "--workers", 1, "--device", "cpu", *word)
    assert "is another one: its data" in outcome.complaint  # this database was written by hand
    assert foreign[1].exists()


def test_confirm_runs_no_command_that_a_database_names(run, folder):
    """Nor does a program that is named for another study become trusted by it."""
    marker = folder / "ran"
    command = {"command": ["touch", str(marker)], "metric": "loss", "direction": "minimize", "total_steps": 10}
    data = {"name": "theirs", "run": command, "ranges": {"base_lr": {"low": 0.1, "high": 0.2}}}
    config = StudyConfig.from_dict(data | {"baseline": [{"name": "fixed", "family": "constant", "base_lr": 0.1}]})
    metric = Metric.of_scores("loss", "minimize", None)
    create_study(open_storage(DB), "theirs", config, metric=metric, data_fingerprint="", attributes={})
    complaint = run("confirm", "--study-name", "theirs").complaint
    assert f"names the command 'touch {marker}'" in complaint
    assert "--command" in complaint
    assert "--trust-storage" in complaint
    assert not marker.exists()


@pytest.mark.parametrize("command", ["trials", "studies", "compare", "report", "export", "doctor"])
def test_commands_that_read_import_nothing(run, stored, foreign, command):
    """A command that reads a database does not import its workload."""
    run(command)
    assert not foreign[1].exists()


@pytest.mark.parametrize("command", ["train", "preview"])
def test_an_exported_file_imports_nothing(run, folder, foreign, command):
    """A file from others is drawn without its workload, and trained only with --trust-config."""
    (folder / "sent.json").write_text(_document(foreign[0]))
    outcome = run(command, "sent.json")
    assert not foreign[1].exists()
    if command == "train":
        assert repr(foreign[0]) in outcome.complaint
        assert "--trust-config" in outcome.complaint


@pytest.mark.parametrize("named", [True, False], ids=["--workload", "--trust-config"])
def test_both_ways_out_train_an_exported_file(run, folder, foreign, named):
    """A person who names the workload, or trusts the file, trains it."""
    (folder / "sent.json").write_text(_document(foreign[0]))
    word = ["--workload", foreign[0]] if named else ["--trust-config"]
    assert 0 == run("train", "sent.json", "--device", "cpu", *word).code
    assert foreign[1].exists()


def test_what_a_process_was_told_of_it_may_import_again(folder, foreign):
    """A notebook that searched its own workload confirms it without a further word."""
    search = {"families": ["constant"], "trials": 1}
    config = StudyConfig.from_dict({"workload": foreign[0], "training": {"epochs": 1}, "search": search})
    study = lrsearch.optimize(config, storage=DB, device="cpu", workers=1)
    assert 1 == len(lrsearch.confirm(study, blocks=1, device="cpu", workers=1).trials)


_FORBIDDEN = {"pickle", "dill", "cloudpickle", "marshal", "shelve", "joblib.load", "yaml.load", "yaml.unsafe_load"}
_FORBIDDEN |= {"eval", "exec", "compile", "__import__", "pandas.read_pickle", "os.system", "numpy.load", "np.load"}


def unsafe_calls(source):
    """Return what in a module's source could run code that lies in data: calls by dotted name, imports of picklers."""
    unsafe_names = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            whole = [f"{names[0]}.{alias.name}" for alias in node.names] if isinstance(node, ast.ImportFrom) else []
            unsafe_names += [
                name for name in [*names, *whole] if name in _FORBIDDEN or name.split(".")[0] in _FORBIDDEN
            ]
        elif isinstance(node, ast.Call):
            name, given = ast.unparse(node.func), {word.arg: ast.unparse(word.value) for word in node.keywords}
            safe_torch = name == "torch.load" and given.get("weights_only") == "True"
            unsafe = name in _FORBIDDEN or (name == "torch.load" and not safe_torch) or given.get("shell") == "True"
            unsafe_names += [name] if unsafe or "allow_pickle" in given else []
    return unsafe_names


def test_nothing_in_the_package_can_run_code_that_lies_in_data():
    """No module unpickles, evaluates, or loads YAML, NumPy or torch files in a way that can run what they hold."""
    modules = sorted(PACKAGE.rglob("*.py"))
    assert {} == {module.name: calls for module in modules if (calls := unsafe_calls(module.read_text()))}


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import loads",
        "from joblib import load",
        "import joblib\njoblib.load(path)",
        "import yaml\nyaml.load(text, Loader=yaml.SafeLoader)",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "np.load(path)",
        "numpy.lib.npyio.load(path, allow_pickle=True)",
        "eval(text)",
        "subprocess.run(text, shell=True)",
    ],
)
def test_the_search_for_unsafe_calls_finds_them(source):
    """Each way of running data that is searched for is found where it stands."""
    assert unsafe_calls(source)


def test_the_dashboard_listens_on_this_machine_alone_unless_asked_otherwise():
    """The command's default address is the loopback, and the server really binds what it is given."""
    from lrsearch.cli.commands.reading import dashboard

    assert "127.0.0.1" == inspect.signature(dashboard).parameters["host"].default
    with make_dashboard(optuna.storages.InMemoryStorage(), host="127.0.0.1", port=0, allow_edit=False) as server:
        assert "127.0.0.1" == server.server_address[0]
