"""The commands that train: what they print, and that everything wrong is one line, exit code 2, and nothing lost."""

import json
import re
from pathlib import Path

import pytest
import torch

from lrsearch.storage import StoredStudy, open_storage
from tests.conftest import STUDY
from tests.runs.training_examples import STUDY as TOY

DB = "sqlite:///lrsearch.db"


def _optimize(run, study_file, *flags):
    return run("optimize", study_file, "--workers", "1", "--device", "cpu", *flags)


def _stored():
    return [vars(record) for record in StoredStudy.read(open_storage(DB)).trials]


def test_cuda_without_a_gpu_is_refused(run, study_file, monkeypatch) -> None:
    """`--device cuda` is not quietly the CPU."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert "no GPU" in run("optimize", study_file, "--device", "cuda").complaint


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
        "--sampler random": ["search.sampler is 'gp', not 'random'"],
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


@pytest.mark.integration
def test_a_search_of_which_all_trials_have_diverged_says_what_to_change(run, study_file) -> None:
    """Nothing can be confirmed, compared or recommended: exit code 1, and never "confirm first"."""
    study_file.write_text(STUDY + "[ranges]\nbase_lr = { low = 1e20, high = 1e30, log = true }\n")
    advice = "give base_lr a lower upper end in [ranges]"
    assert f"Next: {advice}" in _optimize(run, study_file, "--trials", "2").err
    for command in (("confirm", study_file), ("compare",), ("export", "--recommended", "-o", "folder")):
        result = run(*command)
        assert (1, "") == (result.code, result.out), command
        assert f"no trial of 'tab' was trained to its end without diverging: {advice}" in result.err
    assert f"Next: {advice}" in run("report").err.splitlines()[-1]


@pytest.mark.integration
def test_what_a_study_brings_along_is_confirmed_where_all_trials_have_diverged(run, study_file) -> None:
    """With a [[baseline]] there is something to confirm, and what reads the study says so."""
    ranges = "[ranges]\nbase_lr = { low = 1e20, high = 1e30, log = true }\n"
    baselines = "".join(f'[[baseline]]\nname = "{name}"\nfamily = "constant"\nbase_lr = 0.1\n' for name in ("a", "b"))
    study_file.write_text(STUDY + ranges + baselines)
    _optimize(run, study_file, "--trials", "2")
    assert "'tab' has not been confirmed: run lrsearch confirm first" == run("compare").complaint
    assert "nothing is recommended before it is confirmed" in run("export", "--recommended", "-o", "folder").complaint
    assert "Next: lrsearch confirm" in run("report").err.splitlines()[-1]
    assert 0 == run("confirm", study_file).code


@pytest.mark.integration
def test_a_search_of_which_all_trials_have_crashed_has_failed(run, folder) -> None:
    """With exit code 1, and what to do; three of a family end a search at once."""
    Path("toy.toml").write_text(TOY.replace("quadratic", "fails").replace("trials = 4", "trials = 2"))
    result = run("optimize", "toy.toml", "--workers", "1")
    assert 1 == result.code
    assert "all 2 trials that were run have crashed: see lrsearch trials --crashed" in result.err


def test_json_stands_alone_and_agrees_with_the_storage(run, study_file) -> None:
    """`--format json` prints JSON alone, and its counts and bests are those of the stored trials."""
    summary = json.loads(_optimize(run, study_file, "--format", "json").out)
    trials = StoredStudy.read(open_storage(DB)).trials
    assert (6, 6) == (summary["total"], summary["complete"] + summary["pruned"])
    assert ["tab"] == summary["studies"]
    assert {"constant": 2, "cosine": 2, "one_cycle": 2} == {row["family"]: row["trials"] for row in summary["families"]}
    assert max(record.value for record in trials if record.state == "complete") == summary["best"]
    assert {"training", "sampler", "storage", "pruner", "trial_epochs"} <= set(summary["times"])
    start = summary["start"]
    assert all(start[part] > 0 for part in ("imports", "data", "storage", "timing", "first_epoch"))
    assert sum(start[part] for part in ("data", "storage", "timing", "kernels")) < start["first_epoch"]
    assert sum(len(record.reported) for record in trials) == summary["times"]["trial_epochs"]


def test_settings_come_from_the_environment(run, study_file, monkeypatch) -> None:
    """LRSEARCH_STORAGE and LRSEARCH_STUDY stand for the flags."""
    monkeypatch.setenv("LRSEARCH_STORAGE", "sqlite:///elsewhere.db")
    monkeypatch.setenv("LRSEARCH_STUDY", "mine")
    assert 0 == _optimize(run, study_file, "--trials", "3").code
    assert not Path("lrsearch.db").exists()
    assert "mine" == StoredStudy.read(open_storage("sqlite:///elsewhere.db")).name


def test_confirm_takes_the_flags_of_optimize_or_the_search_itself(folder, run) -> None:
    """A search by flags alone is confirmed with the same flags, or by its name without any."""
    flags = ["--workload", "tests.workload_examples:tabular", "--families", "constant,cosine", "--epochs", "1"]
    flags += ["--study-name", "own", "--workers", "1"]
    assert 0 == run("optimize", *flags, "--trials", "2").code
    first = run("confirm", *flags, "--blocks", "1")
    assert 0 == first.code
    assert "Next: lrsearch confirm with more blocks" in first.err
    result = run("confirm", "--study-name", "own", "--blocks", "2", "--workers", "1", "--format", "json")
    assert [2, 2] == [row["blocks"] for row in json.loads(result.out)]
    assert all(row["diverged"] <= row["failed"] <= 2 for row in json.loads(result.out))
    assert "nothing to show" not in result.err
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
    assert "lrsearch: workload 'tabular' failed in training: RuntimeError: boom (test_running.py, line" in line
    assert "; everything finished so far is stored, and the same command goes on: lrsearch optimize" in line


def test_an_error_of_our_own_keeps_its_traceback(run, study_file, monkeypatch) -> None:
    """It ends with one plain line, and with exit code 1."""

    def broken(*_: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("lrsearch.api.running.run_search", broken)
    ended = _optimize(run, study_file)
    assert 1 == ended.code
    assert "RuntimeError: boom" in ended.err
    assert "failed, as shown above; everything finished so far is stored, and the same" in ended.err.splitlines()[-1]
