"""Tables as lines that fit a width and cut nothing."""

from __future__ import annotations

import pytest

from lrsearch.cli.text_table import table_lines
from lrsearch.tables import table

PARAMETERS = "base_lr=0.2491, warmup_steps=45, final_lr=0.008766*, decay_steps=559, decay_shape=cosine"
FOLDED = "best parameters (* near a bound)"
SEARCHED = {
    "family": "warmup_stable_decay",
    "trials": 8,
    "pruned": 1,
    "diverged": 0,
    "best": 0.8922,
    "median": 0.87,
    FOLDED: PARAMETERS,
}
CONFIRMED = {
    "entry": "constant at 0.01 x its rate (positive)",
    "blocks": 20,
    "train loss": 1.8534,
    "train loss SD": 9.455e-05,
    "test loss": 0.4,
    "test loss SD": 0.0123,
    "accuracy": 0.9,
    "accuracy SD": 0.002,
    "diverged": 0,
    "control": "positive",
}
COMPARED = {
    "family": "warmup_stable_decay (A/A)",
    "mean": 90.123,
    "SD": 0.123,
    "to the best": "-10.27 to -0.11",
    "rank": "10-12",
    "recommended": "control",
    "within the ROPE": "no",
    "failed runs": "1 of 20, 0 to 25 %",
    "good region": "2 of 4, 7 to 93 %",
}


def _words(row) -> set[str]:
    """Return what may not be cut: words of the name and of the header, parameters, and whole cells otherwise."""
    name, *cells = [str(value) for value in row.values() if isinstance(value, str)]
    heads = [word for head in row if head not in ("recommended", "diverged", "accuracy") for word in head.split()]
    return {*name.split(), *heads, *[part.strip() for cell in cells for part in cell.split(",")]}


@pytest.mark.parametrize("row", [SEARCHED, CONFIRMED, COMPARED], ids=["optimize", "confirm", "compare"])
@pytest.mark.parametrize("width", [80, 120])
def test_tables_fit_the_terminal_and_cut_nothing(row, width) -> None:
    """At 80 and at 120 columns no line is longer, and no name, number, interval or parameter is split."""
    lines = [line.plain for line in table_lines(table(row, [row.values()]), width)]
    assert max(map(len, lines)) <= width
    assert [line.rstrip() for line in lines] == lines
    assert set() == {word for word in _words(row) if not any(word in line for line in lines)}


def test_a_confirmation_without_controls_is_one_table_at_80_columns() -> None:
    """Long words of the header are hyphenated before a column moves below, and only then."""
    row = CONFIRMED | {"entry": "warmup_stable_decay"}
    del row["control"]
    lines = [line.plain for line in table_lines(table(row, [row.values()]), 80)]
    assert "" not in lines
    assert lines[0].endswith("diver-")
    wide = [line.plain for line in table_lines(table(row, [row.values()]), 120)]
    assert "diverged" in wide[0]


def test_columns_without_room_follow_below() -> None:
    """A table that cannot fit continues in a second one, with the names again."""
    lines = [line.plain for line in table_lines(table(["name", "b" * 30, "c" * 30], [["x", "1", "2"]]), 40)]
    assert [f"name  {'b' * 30}", "x     1", "", f"name  {'c' * 30}", "x     2"] == lines


def test_a_column_of_numbers_has_one_number_of_decimals() -> None:
    """As many as give its largest four digits, so that no small one is written with an exponent; counts stay whole."""
    columns = {"loss": [1.5, 9.455e-05, None], "small": [1e-05, 2e-05, 3e-05], "count": [1, 20, 3]}
    lines = table_lines(table(columns, zip(*columns.values(), strict=True)), 80)
    assert [["1.500", "1e-05", "1"], ["0.000", "2e-05", "20"], ["-", "3e-05", "3"]] == [
        line.plain.split() for line in lines[1:]
    ]
