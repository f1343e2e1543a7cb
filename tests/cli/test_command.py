"""Commands whose flags come in groups: every field is a flag, with its own default and help."""

from dataclasses import dataclass
from typing import Annotated

import pytest
import typer

from lrsearch.cli import command as module
from lrsearch.cli.flags import RunFlags, SearchFlags
from lrsearch.config import StudyConfig


@dataclass(frozen=True)
class Colour:
    """Flags that go together."""

    red: Annotated[int, typer.Option(help="How red.")] = 1
    shade: str = "light"


def test_the_fields_of_a_group_are_flags(monkeypatch, capsys) -> None:
    """They are parsed into the group; other parameters stand beside it."""
    seen = []
    app = typer.Typer()
    monkeypatch.setattr(module, "app", app)

    @module.command
    def paint(*, colour: Colour, coats: int = 2) -> None:
        """Paint."""
        seen.append((colour, coats))

    app(["--red", "5", "--coats", "3"], standalone_mode=False)
    app([], standalone_mode=False)
    assert [(Colour(5, "light"), 3), (Colour(), 2)] == seen
    app(["--help"], standalone_mode=False)
    shown = capsys.readouterr().out
    assert all(part in shown for part in ("--red", "How red.", "--shade", "light", "--coats"))


COMMANDS = ("optimize", "confirm", "train", "compare", "report", "export", "trials", "studies", "dashboard")


@pytest.mark.parametrize("name", [*COMMANDS, "plan", "preview", "families", "doctor", "backup"])
def test_every_commands_help_ends_with_an_example(run, name) -> None:
    """`lrsearch COMMAND --help` shows one, and exits with 0."""
    shown = run(name, "--help")
    assert 0 == shown.code
    assert f"Example: lrsearch {name}" in shown.out


@pytest.mark.parametrize(
    ("name", "text"), [("adopt", "A study file with [run]: what"), ("optimize", "With [run] gpus:")]
)
def test_help_shows_the_names_of_tables(run, name, text) -> None:
    """Rich does not take [run] for markup."""
    assert text in run(name, "--help").out


def test_groups_say_what_a_study_and_a_run_are() -> None:
    """Flags that were not given change nothing in a study."""
    changes = SearchFlags(families="rex, cosine", epochs="10,30", seed=3).changes()
    given = {key: value for key, value in changes.items() if value is not None}
    assert {"search.families": ("rex", "cosine"), "training.epochs": (10, 30), "seed": 3} == given
    options = RunFlags(workers="2", study_name="x").options(StudyConfig(), lanes=3)
    assert (2, "x", 3, None) == (options.workers, options.study_name, options.lanes, options.timeout_seconds)


def test_a_command_that_is_none_is_refused(run) -> None:
    """An unknown command is wrong usage too."""
    assert "No such command 'optimise'" in run("optimise").complaint
