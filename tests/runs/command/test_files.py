"""The files between a command and the search."""

import json
from pathlib import Path

import pytest

from lrsearch.errors import InputError
from lrsearch.runs.command.files import RunFiles
from lrsearch.runs.messages import Answer
from tests.runs.test_run import make_spec


def test_what_is_written_for_a_run_is_read_by_it(tmp_path: Path) -> None:
    """Schedule, parameters and seeds; what an earlier attempt has said is gone."""
    files, spec = RunFiles(tmp_path), make_spec()
    for stale in (files.reports, files.answer, files.score):
        stale.write_text("{}")
    files.write(spec)
    read = files.read()
    assert (spec.schedule, spec.parameters, spec.seeds) == (read.schedule, read.parameters, read.seeds)
    assert (spec.total_steps, spec.reports, str(tmp_path)) == (read.total_steps, read.reports, read.folder)
    assert not any(stale.exists() for stale in (files.answer, files.score))
    assert "" == files.reports.read_text()


def test_the_documented_fields_are_there(tmp_path: Path) -> None:
    """For scripts of any language; the rates of all updates as well."""
    spec = make_spec()
    RunFiles(tmp_path).write(spec)
    told = json.loads((tmp_path / "run.json").read_text())
    page = (Path(__file__).parents[3] / "docs" / "own_commands.md").read_text()
    assert [] == [name for name in told if f"`{name}`" not in page]
    assert spec.seeds.evaluation == told["seeds"]["evaluation"]
    rates = [float(line) for line in Path(told["rates_file"]).read_text().split()]
    assert spec.total_steps == len(rates)
    assert Path(told["folder"]).is_dir()


def test_an_answer_is_read_back(tmp_path: Path) -> None:
    """None before the first."""
    files = RunFiles(tmp_path)
    assert files.read_answer() is None
    files.write_answer(Answer(20, end=True))
    assert Answer(20, end=True) == files.read_answer()


def test_another_version_is_refused(tmp_path: Path) -> None:
    """The script has another lrsearch than the search."""
    files = RunFiles(tmp_path)
    files.write(make_spec())
    told = json.loads(files.run.read_text())
    files.run.write_text(json.dumps({**told, "version": 2}))
    with pytest.raises(InputError, match="must be of version 1, got 2"):
        files.read()
