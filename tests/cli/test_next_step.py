"""Every command ends with what to do next, on standard error and for people alone."""

import shlex
from pathlib import Path

import pytest
from typer.main import get_command

from lrsearch.cli import app
from lrsearch.cli.commands.running import say_confirm
from lrsearch.cli.flags import RunFlags, SearchFlags
from lrsearch.cli.next_step import next_step
from lrsearch.storage import back_up, open_storage
from tests.confirmation_examples import config_of, noisy, stored

SCORES = {"constant": noisy(89.0, 10), "cosine": noisy(91.0, 10)}
COMMANDS = get_command(app)


@pytest.fixture(scope="module")
def confirmed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database with a confirmation in it."""
    path = tmp_path_factory.mktemp("next-step") / "confirmed.db"
    stored(open_storage(f"sqlite:///{path}"), config_of(), SCORES)
    return path


@pytest.fixture
def database(confirmed: Path, folder: Path):
    """Return the default storage, a copy of that database."""
    back_up(f"sqlite:///{confirmed}", folder / "lrsearch.db")
    return open_storage("sqlite:///lrsearch.db")


@pytest.mark.parametrize(
    ("command", "following"),
    [
        ("init mine.toml", "plan mine.toml"),
        ("preview quick", "open preview.html in a browser"),
        ("families", "preview"),
        ("studies", "compare --study-name NAME"),
        ("trials --crashed", "trials"),
        ("trials --study-name tab/confirm", "report --study-name tab/confirm"),
        ("compare", "export -o best.py"),
        ("report", "open report.html in a browser"),
        ("export", "the same command with -o FILE, which writes it into a file"),
        ("export -o best.toml", "train best.toml"),
        ("export -o best.csv", "use best.csv in your training"),
        ("backup -o copy.db", "studies --storage sqlite:///copy.db"),
    ],
)
def test_the_last_line_says_what_to_do_next(database, run, command, following) -> None:
    """The command that it names exists with its flags."""
    done = run(*shlex.split(command))
    last = done.err.strip().splitlines()[-1]
    assert last.startswith(f"Next: lrsearch {following}") or f"Next: {following}" == last
    if last.startswith("Next: lrsearch"):
        words = shlex.split(last.partition("  (")[0])[2:]
        COMMANDS.commands[words[0]].make_context(words[0], words[1:])
    assert "Next:" not in done.out


@pytest.mark.parametrize("command", ["families", "studies", "trials", "compare"])
def test_programs_are_told_nothing(database, run, command) -> None:
    """JSON comes without it."""
    done = run(command, "--format", "json")
    assert "Next:" not in done.out + done.err


def test_it_leads_to_the_same_study_without_a_password(caplog) -> None:
    """Storage and name are carried on, quoted for a shell."""
    caplog.set_level("INFO")
    next_step("compare", None, storage="postgresql://me:secret@host/db", study_name="my study", to="the verdict")
    assert "compare --storage 'postgresql://me:***@host/db' --study-name 'my study'  (the verdict)" in caplog.text


@pytest.mark.parametrize(
    ("search", "run", "said"),
    [
        (SearchFlags(study=Path("quick")), RunFlags(), "confirm quick"),
        (SearchFlags(study=Path("quick")), RunFlags(study_name="mine"), "confirm quick --study-name mine"),
        (SearchFlags(study=Path("quick"), seed=1), RunFlags(), "confirm --study-name quick"),
        (SearchFlags(), RunFlags(), "confirm --study-name fashion-lenet"),
        (SearchFlags(workload="a:my_model"), RunFlags(), "confirm --trust-storage --study-name my-model"),
    ],
)
def test_a_search_is_confirmed_as_it_was_made(caplog, search, run, said) -> None:
    """A file that flags have changed is no longer the study: the storage holds it."""
    caplog.set_level("INFO")
    say_confirm(search.config(), search, run)
    assert f"Next: lrsearch {said}  (" in caplog.text
