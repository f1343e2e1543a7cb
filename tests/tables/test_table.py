"""One table, rendered for people and for programs."""

import csv
import io
import json
import math

import pytest

from lrsearch.tables import Column, Interval, Points, Table, table

EVIL = "<script>alert(1)</script>"


def test_a_column_has_one_number_of_decimals() -> None:
    """As many as give its largest number four digits, unless the column says how many; tiny numbers stand alone."""
    shown = table(("loss", Column("gap", decimals=1), "small"), [(1.5, 0.25, 1e-05), (9.455e-05, None, 2e-06)])
    assert (("1.500", "0.2", "1e-05"), ("0.000", "-", "2e-06")) == shown.cells


def test_numbers_beside_text_are_each_written_for_itself() -> None:
    """A column of settings is no column of measurements."""
    assert (("0.05",), ("tpe",), ("12.5",)) == table(["value"], [(0.05,), ("tpe",), (12.5,)]).cells


def test_columns_of_numbers_are_known() -> None:
    """Missing values do not make a column text; truth values and intervals do."""
    shown = table("abcd", [(1, None, True, Interval(0.0, 1.0)), (2.5, Points(0.5), False, None)])
    assert (True, True, False, False) == shown.numeric


def test_programs_get_the_values_and_people_the_words() -> None:
    """JSON and CSV keep the keys and the stored numbers under every heading and unit."""
    shown = table((Column("entry", "candidate"), Column("value", "accuracy (points)")), [("rex", Points(0.8312))])
    assert ("candidate", "accuracy (points)") == shown.headings
    assert (("rex", "83.12"),) == shown.cells
    assert '[{"entry": "rex", "value": 0.8312}]' == json.dumps(shown.records())
    assert [["entry", "value"], ["rex", "0.8312"]] == list(csv.reader(io.StringIO(shown.to_csv())))


def test_people_do_not_see_optional_columns_that_hold_nothing() -> None:
    """Programs find every key."""
    columns = (Column("entry"), Column("loss", optional=True), Column("SD", optional=True), Column("score"))
    shown = table(columns, [("rex", None, 0.5, None), ("step", None, None, None)])
    assert ("entry", "SD", "score") == shown.for_people.headings
    assert (("rex", 0.5, None), ("step", None, None)) == shown.for_people.rows
    assert {"entry": "step", "loss": None, "SD": None, "score": None} == shown.records()[1]


def test_csv_holds_no_formula_and_json_of_what_is_nested() -> None:
    """A spreadsheet computes nothing; parameters can be read back; infinity is null."""
    shown = table("abc", [("=1+1", {"x": math.inf}, [1, 2])])
    assert ["'=1+1", '{"x": null}', "[1, 2]"] == list(csv.reader(io.StringIO(shown.to_csv())))[1]


def test_html_escapes_every_text() -> None:
    """Titles, headings and cells are never markup; numbers are marked for alignment."""
    html = table((EVIL, "n"), [(EVIL, 1)], title=EVIL).to_html()
    assert EVIL not in html
    assert 3 == html.count("&lt;script&gt;")
    assert "<td class=number>1</td>" in html


def test_a_row_of_another_length_is_refused() -> None:
    """A table with a missing cell would shift the rest."""
    with pytest.raises(ValueError, match="a row must have 2 values, got 1"):
        Table((Column("a"), Column("b")), ((1,),))
