"""The command line: what it prints, and that everything wrong is one line, exit code 2, and nothing lost."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from lrsearch.schedules import FAMILIES
from lrsearch.storage import StoredStudy, open_storage
from tests.conftest import STUDY

DB = "sqlite:///lrsearch.db"
HERE = Path(__file__).parent.parent


def _optimize(run, study_file, *flags):
    return run("optimize", study_file, "--workers", "1", "--device", "cpu", *flags)


def _stored():
    return [vars(record) for record in StoredStudy.read(open_storage(DB)).trials]


WRONG_FLAGS = {
    "--families cosin": ["unknown family 'cosin'", "'cosine'"],
    "--families cosine,cosine": ["families", "once"],
    "--families ,": ["unknown family ''"],
    "--sampler tp": ["sampler", "'tpe'", "'tp'"],
    "--pruner rung": ["pruner", "'rungs'", "'rung'"],
    "--dataset fashion": ["dataset", "'fashion-mnist'", "'fashion'"],
    "--epochs 0": ["epochs", "got 0"],
    "--epochs -1": ["epochs", "got -1"],
    "--epochs 1.5": ["--epochs", "integer"],
    "--trials 0": ["trials", "got 0"],
    "--trials -3": ["trials", "got -3"],
    "--trials many": ["--trials", "integer"],
    "--lanes 0": ["lanes", "at least 1", "got 0"],
    "--lanes -2": ["lanes", "got -2"],
    "--lanes few": ["--lanes", "auto", "'few'"],
    "--workers 0": ["workers", "1 to 1000", "got 0"],
    "--workers 9999999": ["workers", "1 to 1000", "9999999"],
    "--replicates 0": ["replicates", "got 0"],
    "--timeout 0": ["timeout", "above 0", "got 0"],
    "--timeout nan": ["timeout", "above 0", "got nan"],
    "--seed -1": ["seed", "got -1"],
    "--device tpu": ["--device", "'cuda'", "'tpu'"],
    "--trails 3": ["No such option", "--trails"],
}


@pytest.mark.parametrize("flag", WRONG_FLAGS)
def test_a_wrong_flag_is_one_line_that_names_flag_rule_and_value(run, study_file, flag) -> None:
    """Exit code 2, one line on standard error, and no storage is made."""
    complaint = _optimize(run, study_file, *flag.split()).complaint
    for part in WRONG_FLAGS[flag]:
        assert part in complaint
    assert ["tab.toml"] == [path.name for path in study_file.parent.iterdir()]


def test_cuda_without_a_gpu_is_refused(run, study_file, monkeypatch) -> None:
    """`--device cuda` is not quietly the CPU."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert "no GPU" in run("optimize", study_file, "--device", "cuda").complaint


def test_a_command_that_is_none_is_refused(run) -> None:
    """An unknown command is wrong usage too."""
    assert "No such command 'optimise'" in run("optimise").complaint


WRONG_STUDIES = {
    "not TOML": ("[search\n", ["tab.toml", "not toml", "line 1"]),
    "unknown key": (STUDY + "trails = 3\n", ["tab.toml", "unknown key 'trails' in [search]", "'trials'"]),
    "range upside down": (
        STUDY + "[ranges]\nbase_lr = { low = 1.0, high = 0.1 }\n",
        ["base_lr", "low = 1.0", "high = 0.1"],
    ),
    "warm-up longer than training": (
        STUDY + "[ranges]\nwarmup_steps = { low = 0, high = 1.5 }\n",
        ["warmup_steps", "fraction", "1.5"],
    ),
    "batch larger than the data": (
        STUDY.replace("epochs = 2", "epochs = 2\nbatch_size = 500"),
        ["batch_size", "got 500"],
    ),
    "nothing to select by": (STUDY + '[data]\ntrain = "all"\n', ['train = "all"', "confirm"]),
    "plateau by the epoch": (
        STUDY.replace("epochs = 2", 'epochs = 2\ninterval = "epoch"').replace("cosine", "reduce_on_plateau"),
        ["reduce_on_plateau", "leave it out"],
    ),
}


@pytest.mark.parametrize(("text", "parts"), WRONG_STUDIES.values(), ids=WRONG_STUDIES)
def test_a_wrong_study_file_is_one_line(run, study_file, text, parts) -> None:
    """The command line says in one line what the study file has wrong, and makes no study of it."""
    study_file.write_text(text)
    complaint = _optimize(run, study_file).complaint
    for part in parts:
        assert part in complaint
    assert not Path("lrsearch.db").exists()


def test_a_missing_study_file_is_one_line(run) -> None:
    """Its path is named."""
    assert "none.toml cannot be read" in run("optimize", "none.toml").complaint


def test_a_fixed_schedule_that_warms_up_beyond_training_is_refused(run, study_file) -> None:
    """A baseline is named whose warm-up is longer than the run."""
    study_file.write_text(STUDY + "[[baseline]]\nname = 'slow'\nfamily = 'cosine'\nbase_lr = 0.1\nwarmup_steps = 20\n")
    complaint = run("confirm", study_file).complaint
    for part in ("'slow'", "warmup_steps", "19", "got 20"):
        assert part in complaint


WRONG_WORKLOADS = {
    "nothing": ["package.module:function", "'nothing'"],
    "nowhere.at.all:f": ["cannot be imported", "nowhere"],
    "..relative:f": ["cannot be imported"],
    "tests.workload_examples:absent": ["cannot be imported", "absent"],
    "broken_module:f": ["cannot be imported", "SyntaxError"],
    "raising_module:f": ["cannot be imported", "ZeroDivisionError"],
    "tests.workload_examples:fails": ["cannot be called", "the data base is down"],
    "tests.workload_examples:fails_to_load": ["data cannot be loaded", "no such disk"],
    "tests.workload_examples:not_a_workload": ["must return a lrsearch.Workload", "Sequential"],
    "tests.workload_examples:BATCH": ["cannot be called", "not callable"],
    "tests.workload_examples:wrong_outputs": ["its model fails", "(4, 6)"],
    "tests.workload_examples:wrong_metric": ["its metric must return the shape (4,)", "got ()"],
    "tests.workload_examples:wrong_data": ["data must return a lrsearch.Dataset", "list"],
}


@pytest.mark.parametrize("address", WRONG_WORKLOADS)
def test_a_workload_that_cannot_be_trained_is_one_line(run, study_file, monkeypatch, address) -> None:
    """Every error or wrong return value of a user's code is one line, and no storage is made."""
    (study_file.parent / "broken_module.py").write_text("def f(:\n")
    (study_file.parent / "raising_module.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(study_file.parent)
    complaint = _optimize(run, study_file, "--workload", address).complaint
    for part in WRONG_WORKLOADS[address]:
        assert part in complaint
    assert not (study_file.parent / "lrsearch.db").exists()


def test_another_study_under_the_same_name_is_refused_and_keeps_what_it_has(run, study_file) -> None:
    """The difference is named, and the stored trials are the same before and after."""
    assert 0 == _optimize(run, study_file, "--trials", "3").code
    before = _stored()
    said = {
        "--epochs 3": ["training.epochs is 2, not 3"],
        "--families cosine": ["search.families", "'constant'", "not ['cosine']"],
        "--workload tests.workload_examples:other_tabular": ["workload is", "other_tabular", "data is"],
        "--seed 4": ["seed is 0, not 4"],
        "--sampler random": ["search.sampler is 'tpe', not 'random'"],
    }
    for flag, parts in said.items():
        complaint = _optimize(run, study_file, *flag.split()).complaint
        for part in ["'tab' is another one", *parts, "--study-name"]:
            assert part in complaint
    assert before == _stored()


def test_a_study_of_another_program_is_refused(run, study_file) -> None:
    """A study that plain Optuna made is neither searched nor confirmed under lrsearch's name, but may be listed."""
    import optuna

    optuna.create_study(study_name="tab", storage=open_storage(DB)).optimize(lambda trial: 1.0, n_trials=1)
    assert "'tab' was not made by lrsearch" in _optimize(run, study_file).complaint
    assert "'tab' was not made by lrsearch" in run("confirm", study_file, "--workers", "1").complaint
    listed = run("trials", "--format", "json")
    assert (0, 1) == (listed.code, len(json.loads(listed.out)))


def test_optimize_shows_a_table_per_family_and_what_the_search_cost(run, study_file) -> None:
    """The table stands alone on standard output; the overhead of the search goes to standard error."""
    shown = _optimize(run, study_file)
    assert 0 == shown.code
    head, *lines = shown.out.splitlines()
    columns = ["family", "trials", "pruned", "diverged", "best (points)", "median (points)"]
    assert columns == re.split(r"  +", head)[:6]
    assert {"constant", "cosine", "one_cycle"} == {line.split()[0] for line in lines}
    assert all("base_lr=" in line for line in lines)
    for part in ("sampler", "storage", "pruner", "ms per trial-epoch"):
        assert part in shown.err


def test_json_stands_alone_and_agrees_with_the_storage(run, study_file) -> None:
    """`--format json` prints JSON alone, and its counts and bests are those of the stored trials."""
    summary = json.loads(_optimize(run, study_file, "--format", "json").out)
    found = StoredStudy.read(open_storage(DB)).trials
    assert (6, 6) == (summary["total"], summary["complete"] + summary["pruned"])
    assert ["tab"] == summary["studies"]
    assert {"constant": 2, "cosine": 2, "one_cycle": 2} == {row["family"]: row["trials"] for row in summary["families"]}
    assert max(record.value for record in found if record.state == "complete") == summary["best"]
    assert {"training", "sampler", "storage", "pruner", "trial_epochs"} <= set(summary["times"])
    assert sum(len(record.reported) for record in found) == summary["times"]["trial_epochs"]


def test_trials_and_studies_are_listed_in_every_form(run, study_file) -> None:
    """Table, JSON and CSV hold the same trials; flags choose among them, and a wrong one is refused."""
    _optimize(run, study_file, "--study-name", "one")
    rows = json.loads(run("trials", "--format", "json").out)
    assert list(range(6)) == [row["trial"] if "trial" in row else row["number"] for row in rows]
    assert 1 + len(rows) == len(run("trials", "--format", "csv").out.splitlines())
    assert 1 + len(rows) == len(run("trials").out.splitlines())
    assert 2 == len(json.loads(run("trials", "--family", "cosine", "--format", "json").out))
    assert "--state" in run("trials", "--state", "done").complaint
    (study,) = json.loads(run("studies", "--format", "json").out)
    assert ("one", "search", 6) == (study["study"], study["kind"], study["complete"] + study["pruned"])
    assert "there is no study 'two' in this storage; there are: one" in run("trials", "--study-name", "two").complaint


def test_settings_come_from_the_environment(run, study_file, monkeypatch) -> None:
    """LRSEARCH_STORAGE and LRSEARCH_STUDY stand for the flags."""
    monkeypatch.setenv("LRSEARCH_STORAGE", "sqlite:///elsewhere.db")
    monkeypatch.setenv("LRSEARCH_STUDY", "mine")
    assert 0 == _optimize(run, study_file, "--trials", "3").code
    assert not Path("lrsearch.db").exists()
    assert "mine" == StoredStudy.read(open_storage("sqlite:///elsewhere.db")).name


def test_families_are_described_with_formula_and_ranges(run) -> None:
    """Every family of the registry is listed, with a formula and a range for each parameter that is searched."""
    described = {row["family"]: row for row in json.loads(run("families", "--format", "json").out)}
    assert list(FAMILIES) == list(described)
    assert all(row["formula"] and "base_lr" in row["ranges"] for row in described.values())
    assert "0.01 .. 1 (log)" == described["cosine"]["ranges"]["base_lr"]
    assert all(name in run("families").out for name in FAMILIES)


def test_doctor_tries_everything_and_says_what_is_bad(run) -> None:
    """A workload that works is timed, one that does not is a line with its reason and exit code 1."""
    good = run("doctor", "--workload", "tests.workload_examples:tabular", "--device", "cpu", "--format", "json")
    assert 0 == good.code
    checks = {check["name"]: check for check in json.loads(good.out)}
    assert "the same result twice" in checks["workload"]["detail"]
    bad = run("doctor", "--workload", "tests.workload_examples:wrong_metric", "--device", "cpu")
    assert 1 == bad.code
    assert "its metric must return the shape" in bad.out


def _python(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *arguments], cwd=HERE, capture_output=True, text=True, timeout=120, check=False
    )


def _processor_seconds(folder: Path, *arguments: str) -> float:
    """Return what Python took of the processor; the wall says more about what else the machine does."""
    begun = os.times()
    _python(folder, *arguments)
    ended = os.times()
    return ended.children_user + ended.children_system - begun.children_user - begun.children_system


def test_help_imports_no_heavy_library_and_is_quick(folder) -> None:
    """`lrsearch --help` needs neither torch nor Optuna, and takes little longer than what Typer imports to print it."""
    heavy = ("torch", "optuna", "numpy", "scipy", "plotly", "sklearn", "pandas", "sqlalchemy")
    program = (
        "import sys; from lrsearch.__main__ import main; code = main(['--help']);"
        f"print('HEAVY', code, sorted(set({heavy}) & set(sys.modules)))"
    )
    shown = _python(folder, "-c", program)
    assert "HEAVY 0 []" == shown.stdout.splitlines()[-1]
    assert "optimize" in shown.stdout
    ways = {"help": ("-m", "lrsearch", "--help"), "typer": ("-c", "import typer.rich_utils")}
    # The quickest of three in turns, because the machine has other work and is not always equally fast.
    took = [{name: _processor_seconds(folder, *way) for name, way in ways.items()} for _ in range(3)]
    assert min(turn["help"] for turn in took) < 2 * min(turn["typer"] for turn in took)


def test_importing_the_package_is_cheap(folder) -> None:
    """`import lrsearch` brings in no third-party library, though every public name is there when it is used."""
    program = (
        "import sys; before = set(sys.modules); import lrsearch;"
        "print(sorted({m.partition('.')[0] for m in set(sys.modules) - before} - set(sys.stdlib_module_names)))"
    )
    assert "['lrsearch']" == _python(folder, "-c", program).stdout.strip()
    import lrsearch

    assert all(getattr(lrsearch, name) is not None for name in lrsearch.__all__)


def test_wrong_usage_in_a_process_of_its_own_is_one_line_and_code_2(folder) -> None:
    """What the in-process tests see is what a shell sees: no traceback, nothing on standard output."""
    shown = _python(folder, "-m", "lrsearch", "optimize", "none.toml")
    assert (2, "") == (shown.returncode, shown.stdout)
    assert "lrsearch: study file none.toml cannot be read: No such file or directory\n" == shown.stderr


def test_preview_draws_an_exported_configuration(folder, run) -> None:
    """A file with a `schedule` is drawn as that one schedule; a study file as the families of the study."""
    Path("one.toml").write_text(
        '[schedule]\nfamily = "cosine"\nbase_lr = 0.25\nfinal_lr = 0.01\ntotal_steps = 30\n'
        '[training]\nepochs = 3\nworkload = "tests.workload_examples:tabular"\nbatch_size = 20\n'
        "[training.seeds]\nsplit = 1\ninit = 2\norder = 3\n"
    )
    assert 0 == run("preview", "one.toml", "-o", "one.html").code
    page = Path("one.html").read_text()
    assert "cosine over 3 epochs" in page
    assert "square_root" not in page
    assert "there is no" not in page
    assert "No such file" in run("preview", "none.json").complaint


@pytest.mark.parametrize("command", ["trials", "studies", "compare", "report", "export", "dashboard"])
def test_reading_a_storage_that_is_not_there_makes_none(folder, run, command) -> None:
    """A mistyped address is one line that names the file, and leaves no database behind."""
    assert "there is no file 'typo.db'" in run(command, "--storage", "sqlite:///typo.db").complaint
    assert not Path("typo.db").exists()


@pytest.mark.parametrize("flags", [["--lanes", "x"], ["--lanes=--3"], ["--workers", "²"], ["--families", ""]])
def test_odd_values_of_flags_are_one_line(folder, run, flags) -> None:
    """What is no whole number, or no family at all, is refused and nothing is made."""
    assert run("optimize", *flags).complaint
    assert not Path("lrsearch.db").exists()


def test_confirm_takes_the_flags_of_optimize_or_the_search_itself(folder, run) -> None:
    """A search by flags alone is confirmed with the same flags, or by its name without any."""
    flags = ["--workload", "tests.workload_examples:tabular", "--families", "constant,cosine", "--epochs", "1"]
    flags += ["--study-name", "own", "--workers", "1"]
    assert 0 == run("optimize", *flags, "--trials", "2").code
    assert 0 == run("confirm", *flags, "--blocks", "1").code
    found = run("confirm", "--study-name", "own", "--blocks", "2", "--workers", "1", "--format", "json")
    assert [2, 2] == [row["blocks"] for row in json.loads(found.out)]
    assert all(row["diverged"] <= row["failed"] <= 2 for row in json.loads(found.out))
    assert "nothing to show" not in found.err
    complaint = run("confirm", *flags, "--replicates", "2", "--blocks", "2").complaint
    assert "was searched with other replicates (own) than the 2 asked for" in complaint


def test_a_crash_of_a_users_own_code_is_one_line(run, monkeypatch) -> None:
    """What it raised and where, and that nothing is lost, with exit code 1."""
    from lrsearch.training.stack import Stack

    def broken(*_: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(Stack, "run_epoch", broken)
    ended = run("optimize", "--workload", "tests.workload_examples:tabular", "--workers", "1", "--trials", "13")
    assert 1 == ended.code
    line = ended.err.splitlines()[-1]
    assert "lrsearch: workload 'tabular' failed in training: RuntimeError: boom (test_cli.py, line" in line
    assert line.endswith("; everything finished so far is stored")


def test_an_error_of_our_own_keeps_its_traceback(run, study_file, monkeypatch) -> None:
    """It ends with one plain line, and with exit code 1."""

    def broken(*_: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("lrsearch.api.run_search", broken)
    ended = _optimize(run, study_file)
    assert 1 == ended.code
    assert "RuntimeError: boom" in ended.err
    assert "lrsearch: failed, as shown above; everything finished so far is stored" == ended.err.splitlines()[-1]


def test_a_working_directory_that_was_deleted_is_one_line(run) -> None:
    """The command says what to do, with exit code 2."""
    Path("gone").mkdir()
    os.chdir("gone")
    Path("../gone").rmdir()
    assert "the working directory has been deleted: change to another one" == run("studies").complaint


def test_an_empty_host_is_refused(run) -> None:
    """It would open the dashboard to all machines."""
    assert "--host must name an address" in run("dashboard", "--host", "").complaint
