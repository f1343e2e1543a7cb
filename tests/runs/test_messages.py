"""What a run says, whatever a person's own code puts into it."""

import pytest

from lrsearch.runs.messages import Failed, Refused, Warned


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("one\ntwo\r\nthree", "one two three"),
        ("\x1b[31m \udcff\x00", "?[31m ??"),
        ("x" * 10**6, "x" * 1000 + "..."),
    ],
)
def test_what_is_told_is_one_short_line(said, line) -> None:
    """It is shown in a terminal and stored in a database."""
    assert (line, line, line) == (Failed(said).error, Refused(said).reason, Warned(said).text)


def test_details_are_short_and_can_be_stored() -> None:
    """Their end is kept, as text that every file takes."""
    details = Failed("no", "x" * 10**6 + "\ud800\n").details
    assert details.endswith("x\\ud800\n")
    assert len(details) < 70_000
