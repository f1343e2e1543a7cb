"""The lines of the reports file."""

import math
import re
from pathlib import Path

import numpy as np
import pytest

from lrsearch.errors import InputError
from lrsearch.runs.command.files import RunFiles
from lrsearch.runs.command.lines import Finished, read_line
from lrsearch.runs.messages import Message, Refused, Report, Resumed, Warned
from tests.runs.test_run import make_spec


@pytest.mark.parametrize(
    "message",
    [
        Report(1, 10, 0.5, more={"train_loss": 0.25}),
        Report(1, 12, 0.5),
        Resumed((Report(1, 10, 0.5, more={"train_loss": 0.25}),), 3.5),
        Warned("slow"),
        Refused("no"),
        Finished("39 updates of 40", ""),
    ],
)
def test_what_is_said_is_heard(tmp_path: Path, message: Message | Finished) -> None:
    """Each in a line."""
    files = RunFiles(tmp_path)
    files.append(message)
    assert message == read_line(files.reports.read_text(), make_spec(), after=0)


@pytest.mark.parametrize(("line", "score"), [('{"step":10,"score":null}', math.nan), ('{"step":10,"score":2}', 2.0)])
def test_a_line_of_another_language_is_a_report(line, score) -> None:
    """Null stands for a score that is not finite, which JSON cannot write."""
    report = read_line(line, make_spec(), after=0)
    assert isinstance(report, Report)
    assert np.array_equal(report.score, score, equal_nan=True)


def test_the_last_report_of_a_confirming_run_is_on_the_test_set() -> None:
    """No other is."""
    spec = make_spec(purpose="confirm")
    last, earlier = (read_line(f'{{"step":{step},"score":1}}', spec, after=0) for step in (40, 30))
    assert (True, False) == (last.test, earlier.test)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("0.5", 'a JSON object such as {"step": 10, "score": 0.5}, got \'0.5\''),
        ("{", "a JSON object"),
        ('{"score": 1}', "from that of the last one, 20, to total_steps, 40, got None"),
        ('{"step": 10, "score": 1}', "got 10"),
        ('{"step": 41, "score": 1}', "got 41"),
        ('{"step": 30}', "must hold a score"),
        ('{"step": 30, "score": "good"}', "score must be a number, or null where it is not finite, got 'good'"),
        ('{"step": 30, "score": 1, "train_loss": []}', "train_loss must be a number"),
        ('{"event": "lunch"}', "got 'lunch'"),
        ('{"step": 30, "score": 1' + "0" * 400 + "}", "score must be at most 1.8e308"),
        ('{"step": 30, "score": 1, "per_example": ["a"]}', "per_example must be numbers"),
        ('{"step": 30, "score": 1, "per_example": [[1], [1, 2]]}', "per_example must be numbers"),
        ("[" * 100_000, "a JSON object"),
        ('{"event": "finished"}', "the event finished lacks a part: KeyError: 'note'"),
        ('{"event": "resumed", "reports": [], "seconds": 0}', "the event resumed lacks a part"),
        ('{"event": "resumed", "reports": [["a", 2, 0.5, false, {}]], "seconds": 0}', "must be whole numbers"),
    ],
)
def test_a_line_that_cannot_be_meant_is_refused(line, said) -> None:
    """By name, rule and value."""
    with pytest.raises(InputError, match=re.escape(said)):
        read_line(line, make_spec(), after=20)
