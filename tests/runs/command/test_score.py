"""The score of a command that never reports."""

import re
from pathlib import Path

import pytest

from lrsearch.errors import InputError
from lrsearch.runs.command.score import find_score, read_score


@pytest.mark.parametrize(
    ("text", "said"),
    [("{}", "must hold a score"), ("[" * 100_000, "must hold"), ("[", "must hold"), ('{"score":"a"}', "'a'")],
)
def test_a_score_file_without_a_score_is_refused(tmp_path: Path, text, said) -> None:
    """In one line."""
    path = tmp_path / "score.json"
    path.write_text(text)
    with pytest.raises(InputError, match=said):
        read_score(path)


def test_the_last_score_in_the_output_counts() -> None:
    """The pattern finds several where a script prints one after each epoch."""
    assert 0.25 == find_score(r"^loss (\S+)$", "loss 0.5\nloss 0.25\nloss at the end\n")


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        (r"loss=(\S+)", "'loss=(\\\\S+)' is not in the last lines"),
        ("loss (.*)", "must find a number, got 'low'"),
        ("loss(=.)?", "must find a number, got None"),
    ],
)
def test_output_without_a_score_is_refused(pattern, said) -> None:
    """By what the pattern found."""
    with pytest.raises(InputError, match=re.escape(said)):
        find_score(pattern, "loss low")
