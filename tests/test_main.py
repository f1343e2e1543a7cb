"""The program as a shell sees it: quick to answer, and every failure in its own words."""

import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lrsearch.__main__ import command
from lrsearch.errors import AllDiverged, InputError, RunError, RunsCrashed, StorageLost
from lrsearch.processes.interruption import Interrupted

HERE = Path(__file__).parent.parent


def _python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=HERE, capture_output=True, text=True, timeout=120, check=False
    )


def _processor_seconds(folder: Path, *arguments: str) -> float:
    """Return what Python took of the processor; the wall says more about what else the machine does."""
    begun = os.times()
    _python(folder, *arguments)
    ended = os.times()
    return ended.children_user + ended.children_system - begun.children_user - begun.children_system


HEAVY = ("torch", "optuna", "numpy", "scipy.stats", "plotly", "sklearn", "pandas", "sqlalchemy")


def _telling_what_is_heavy(*commands: str) -> str:
    """Return a program that runs commands and prints after each which heavy libraries are imported by then."""
    run = [
        f"code = main({command.split()}); print('HEAVY', code, sorted(set({HEAVY}) & set(sys.modules)))"
        for command in commands
    ]
    return "\n".join(["import sys", "from lrsearch.__main__ import main", *run])


@pytest.mark.integration
@pytest.mark.parametrize(
    ("command", "needs"),
    [
        ("compare --scores {table}", ["numpy", "scipy.stats"]),
        ("families cosine", ["numpy", "optuna", "scipy.stats", "sqlalchemy"]),
        (
            "optimize quick --storage memory://one --trials 1 --epochs 1 --workers 1 --sampler tpe",
            ["numpy", "optuna", "sqlalchemy", "torch"],
        ),
    ],
)
def test_a_command_imports_what_it_uses(folder, command: str, needs: list[str]) -> None:
    """A table is judged without Optuna and torch, and a search by TPE does without SciPy."""
    table = folder / "table.csv"
    rows = [f"{block},{family},{80 + block + 2 * block % 3}" for block in range(8) for family in ("a", "b")]
    table.write_text("\n".join(["block,family,score", *rows]))
    shown = _python(folder, "-c", _telling_what_is_heavy(command.format(table=table)))
    told = [line for line in shown.stdout.splitlines() if line.startswith("HEAVY")]
    assert [str(needs)] == [line.removeprefix("HEAVY 0 ") for line in told], shown.stderr


def test_help_imports_no_heavy_library_and_is_quick(folder) -> None:
    """`lrsearch --help` needs neither torch nor Optuna, and takes little longer than what Typer imports to print it.

    No more does the help of a command that stores, which must say at its end how it goes on.
    """
    shown = _python(folder, "-c", _telling_what_is_heavy("--help", "optimize --help"))
    assert ["HEAVY 0 []"] * 2 == [line for line in shown.stdout.splitlines() if line.startswith("HEAVY")]
    assert "optimize" in shown.stdout
    ways = {"help": ("-m", "lrsearch", "--help"), "typer": ("-c", "import typer.rich_utils")}
    # The quickest of three in turns, because the machine has other work and is not always equally fast.
    took = [{name: _processor_seconds(folder, *way) for name, way in ways.items()} for _ in range(3)]
    assert min(turn["help"] for turn in took) < 2 * min(turn["typer"] for turn in took)


def test_a_process_ends_without_a_search_for_garbage(run, monkeypatch, capsys) -> None:
    """Which takes a second of torch and its friends; in a process of somebody else's it is left to them."""
    at_exit: list[object] = []
    monkeypatch.setattr("atexit.register", at_exit.append)
    monkeypatch.setattr("sys.argv", ["lrsearch", "--version"])
    assert 0 == run("--version").code
    assert gc.freeze not in at_exit
    assert 0 == command()
    assert gc.freeze in at_exit


def test_importing_the_package_is_cheap(folder) -> None:
    """`import lrsearch` brings in no third-party library, though every public name is there when it is used."""
    program = (
        "import sys; before = set(sys.modules); import lrsearch;"
        "print(sorted({m.partition('.')[0] for m in set(sys.modules) - before} - set(sys.stdlib_module_names)))"
    )
    assert "['lrsearch']" == _python(folder, "-c", program).stdout.strip()
    import lrsearch

    assert all(getattr(lrsearch, name) is not None for name in lrsearch.__all__)


@pytest.mark.integration
def test_wrong_usage_in_a_process_of_its_own_is_one_line_and_code_2(folder) -> None:
    """What the in-process tests see is what a shell sees: no traceback, nothing on standard output."""
    shown = _python(folder, "-m", "lrsearch", "optimize", "none.toml")
    assert (2, "") == (shown.returncode, shown.stdout)
    assert "lrsearch: study file none.toml cannot be read: No such file or directory\n" == shown.stderr


AGAIN = ("optimize", "--storage", "postgresql://me:secret@host/db")
STORED = (
    "; everything finished so far is stored, and the same command goes on: lrsearch optimize --storage "
    "'postgresql://me:***@host/db'"
)


def _raises(error: BaseException):
    def app(*_: object, **__: object) -> None:
        raise error

    return app


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (InputError("trials must be at least 1, got 0"), 2, "trials must be at least 1, got 0"),
        (RunError("the disk is full"), 1, f"the disk is full{STORED}"),
        (StorageLost("the database was deleted"), 1, "the database was deleted"),
        (RunsCrashed("3 trials have crashed"), 1, "3 trials have crashed"),
        (AllDiverged("all have diverged"), 1, "all have diverged"),
        (Interrupted(), 130, f"interrupted{STORED}"),
        (KeyboardInterrupt(), 130, f"interrupted{STORED}"),
    ],
    ids=["input", "failure", "lost", "crashed", "diverged", "signal", "Ctrl-C"],
)
def test_every_end_has_its_code_and_one_line(run, monkeypatch, error, code, said) -> None:
    """What trains says that nothing is lost, unless nothing was begun, and what goes on, without a password."""
    monkeypatch.setattr("lrsearch.cli.app", _raises(error))
    ended = run(*AGAIN)
    assert (code, "", f"lrsearch: {said}\n") == (ended.code, ended.out, ended.err)


def test_a_command_that_only_reads_does_not_speak_of_what_is_stored(run, monkeypatch) -> None:
    """There is nothing that it could have lost."""
    monkeypatch.setattr("lrsearch.cli.app", _raises(RunError("the disk is full")))
    assert "lrsearch: the disk is full\n" == run("compare").err


def test_a_very_long_message_is_cut(run, monkeypatch) -> None:
    """A value of a megabyte does not fill the terminal."""
    monkeypatch.setattr("lrsearch.cli.app", _raises(InputError("x" * 10**6)))
    assert f"{'x' * 2000} ..." == run("optimize").complaint


@pytest.mark.parametrize(("given", "code"), [(None, 0), (1, 1), (130, 130)])
def test_the_code_of_a_command_is_that_of_the_process(run, monkeypatch, given, code) -> None:
    """A command that returns nothing is done."""
    monkeypatch.setattr("lrsearch.cli.app", lambda *_, **__: given)
    assert code == run("doctor").code


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--trials", "many"), "Invalid value for '--trials': must be an integer, got 'many'"),
        (("--timeout", "soon"), "Invalid value for '--timeout': must be a number, got 'soon'"),
        (("--device", "tpu"), "Invalid value for '--device': 'tpu' is not one of 'auto', 'cpu', 'cuda'."),
    ],
)
def test_a_flag_of_the_wrong_type_is_told_in_the_words_of_study_files(run, arguments, said) -> None:
    """Not in those of the library that reads it."""
    assert said == run("optimize", *arguments).complaint


def test_a_traceback_is_without_passwords(run, monkeypatch) -> None:
    """Of addresses that other code quotes, and of the storage wherever it is quoted."""
    monkeypatch.setenv("LRSEARCH_STORAGE", "postgresql://me:hunter2@host/db")
    monkeypatch.setattr("lrsearch.cli.app", _raises(KeyError("mysql://me:tops3cret@srv/db: hunter2 is wrong")))
    shown = run("studies").err
    assert "Traceback" in shown
    assert "mysql://me:***@srv/db: *** is wrong" in shown
    assert "s3cret" not in shown
