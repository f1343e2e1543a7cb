"""Any content of a file or a database: an answer, or one line that says what is wrong. No traceback, no hang."""

from __future__ import annotations

import ast
import json
import warnings
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from lrsearch.cli import console
from lrsearch.cli.flags import print_json
from lrsearch.cli.listing import list_trials, study_table
from lrsearch.cli.rows import confirm_table, verdict_table
from lrsearch.config import StudyConfig
from lrsearch.errors import InputError, RunError
from lrsearch.experiment.space import study_space
from lrsearch.export import Configuration, exported, load_configuration
from lrsearch.export.formats import FORMATS
from lrsearch.report.assemble import report_html
from lrsearch.report.dashboard import write_verdict
from lrsearch.report.preview import nominal_steps_per_epoch, schedule_preview_html
from lrsearch.report.source import read_source
from lrsearch.schedules import FAMILIES, default_families
from lrsearch.storage import StoredStudy, load_study
from lrsearch.verdict.scores_csv import compare_table
from lrsearch.verdict.study_verdict import study_verdict
from tests.fuzz import hostile

CONTROL = [chr(code) for code in (*range(32), *range(127, 160), 0x202E) if chr(code) not in "\n\r"]


def _in_a_file(name: str, content: bytes, read: Callable[[Path], Any]) -> Any:
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        return read(path)


def _use(config: StudyConfig) -> None:
    """Do what commands do with a study file before anything is trained."""
    config.identity(), config.at_budgets()
    study_space(config, nominal_steps_per_epoch(config)[0])


def study_file(content: bytes) -> None:
    """Read a study file of any bytes."""
    _use(_in_a_file("study.toml", content, StudyConfig.load))


def study_data(data: Any) -> None:
    """Read a study file in which some values are others, as TOML where that can be written."""
    try:
        text = tomli_w.dumps(data).encode()
    except (TypeError, ValueError, AttributeError, AssertionError):  # None, NUL or a lone surrogate
        _use(StudyConfig.from_dict(data))
    else:
        study_file(text)


def ranges(data: Any) -> None:
    """Resolve search ranges of any kind."""
    config = StudyConfig.from_dict({"ranges": data})
    space = study_space(config, 50)
    assert set(default_families()) == set(space.families)


def configuration_file(name_and_content: tuple[str, bytes]) -> None:
    """Read an exported configuration of any bytes, draw it, and write it in every format."""
    name, content = name_and_content
    configuration = _in_a_file(name, content, load_configuration)
    schedule_preview_html("x", configuration.to_schedule(), epochs=min(configuration.epochs, 50))
    for form in ("python", "csv", "hf", "timm", "optax"):
        try:
            text = FORMATS[form].render(configuration.model_dump(mode="json"))
        except InputError:
            continue
        if form != "csv":
            ast.parse(text)


def configuration_data(data: Any) -> None:
    """Read an exported configuration in which some values are others, as JSON."""
    text = json.dumps(data).encode()
    configuration_file(("a.json", text))


def scores(content: bytes) -> None:
    """Compare a table of scores of any bytes."""
    comparison = _in_a_file("scores.csv", content, lambda path: compare_table(path, rope=0.3, alpha=0.05, seed=0))
    _printed(lambda: console.print_verdict(comparison, comparison.family_table()))


def studies(data: Any) -> None:
    """Put a damaged study and its confirmation through everything that reads them."""
    storage = hostile.open_study(data)
    for form in ("table", "json", "csv"):
        _printed(lambda form=form: console.print_table(study_table(storage), form))
        _printed(lambda form=form: console.print_table(list_trials(storage, "s").table, form))
    _or_refused(lambda: print_json(confirm_table(StoredStudy.read(storage, "s").confirmed()).records()))
    _or_refused(lambda: _compared(storage))
    _or_refused(lambda: _shown(storage))
    for form in FORMATS:
        for part in ("s", "s/confirm"):
            _or_refused(lambda form=form, part=part: _exported(StoredStudy.read(storage, "s").only(part), form))


def _compared(storage: Any) -> None:
    study = StoredStudy.read(storage, "s")
    verdict = study_verdict(study)
    assert 6 >= verdict.comparison.blocks
    console.print_study_verdict(verdict, verdict_table(verdict))
    write_verdict([load_study(storage, "s")], study, verdict)


def _shown(storage: Any) -> None:
    html = report_html(read_source(storage, "s"))
    assert not set(CONTROL) & set(html.partition("<script>/**")[0]) - {"\t"}
    html.encode()


def _exported(study: StoredStudy, form: str) -> None:
    for name, text in exported(study, form).items():
        assert name.removeprefix("01-").removesuffix(FORMATS[form].suffix) in FAMILIES
        text.encode()


def _or_refused(call: Callable[[], Any]) -> None:
    """Run one command's work: it prints what a terminal may see, or is refused in one line."""
    try:
        _printed(call)
    except (InputError, RunError) as error:
        _one_line(error)


def _printed(call: Callable[[], Any]) -> str:
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()), pytest.MonkeyPatch.context() as patch:
        patch.setattr(console, "output", Console(file=out, highlight=False, soft_wrap=True))
        call()
    assert not set(CONTROL) & set(out.getvalue())
    return out.getvalue()


def _one_line(error: InputError | RunError) -> None:
    assert str(error).strip()
    assert len(str(error)) < 20_000


files = st.sampled_from(["a.yaml", "a.yml", "a.json", "a.toml", "a", "a.TOML"])
documents = list(hostile.DOCUMENTS.values())
TABLE = "block,family,score\n" + "".join(f"{b},{f},{b + i}.5\n" for b in range(7) for i, f in enumerate(["a", "b"]))


@st.composite
def tables(draw: st.DrawFn) -> bytes:
    """Draw a table of scores, cells of which are exchanged."""
    rows = [line.split(",") for line in TABLE.splitlines()]
    for _ in range(draw(st.integers(0, 3))):
        row = draw(st.sampled_from(rows))
        row[draw(st.integers(0, 2))] = draw(
            st.sampled_from(["1", "a", "c", "90.1", "nan", "-inf", "1e308", "1e-320", "1e99", "", '"', "block", "0"])
        )
    return "\n".join(map(",".join, rows)).encode()


override = st.dictionaries(st.sampled_from(["low", "high", "log", "choices"]), hostile.usable | hostile.odd, max_size=3)
names = st.sampled_from(
    ["base_lr", "warmup_steps", "cycles", "cycle_mult", "decay_shape", "gamma", "patience", "power"]
)

TARGETS: dict[str, tuple[Callable[[Any], None], st.SearchStrategy[Any]]] = {
    "study file": (study_file, st.binary(max_size=60) | hostile.spliced(hostile.files)),
    "study data": (study_data, hostile.spoilt(hostile.study_tables())),
    "ranges": (ranges, st.dictionaries(names | st.sampled_from(["rex", "cosine_restarts"]), override, max_size=3)),
    "configuration file": (configuration_file, st.tuples(files, st.binary(max_size=40) | hostile.spliced(documents))),
    "configuration data": (configuration_data, hostile.spoilt(hostile.CONFIGURATION)),
    "scores": (scores, st.binary(max_size=40) | hostile.spliced([TABLE]) | tables()),
    "studies": (studies, hostile.spoilt_studies()),
}
FEW = dict.fromkeys(TARGETS, 60) | {"studies": 6, "configuration data": 40, "scores": 25}
MANY = dict.fromkeys(TARGETS, 1500) | {"studies": 1000}


def fuzz(name: str, examples: int) -> int:
    """Put `examples` inputs to a target; return how many were accepted."""
    target, strategy = TARGETS[name]
    accepted = []

    @settings(
        max_examples=examples,
        deadline=timedelta(seconds=60),
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def put(value: Any) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            try:
                target(value)
            except InputError as error:
                _one_line(error)
            else:
                accepted.append(None)

    put()
    return len(accepted)


@pytest.mark.parametrize("name", TARGETS)
def test_some_hostile_inputs_end_in_an_answer_or_one_line(name: str) -> None:
    """Inputs of every kind are used or refused; nothing else is raised."""
    fuzz(name, FEW[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_ten_thousand_hostile_inputs_end_in_an_answer_or_one_line(name: str) -> None:
    """The same for 10,000 inputs in all, of which some must be accepted, or the property would be empty."""
    assert sum(MANY.values()) >= 10_000
    assert fuzz(name, MANY[name])


def test_what_is_not_spoilt_is_accepted() -> None:
    """Every target takes the input from which the hostile ones are made."""
    study_data(hostile.study_tables())
    study_file(hostile.files[1].encode())
    ranges({"base_lr": {"low": 0.02}})
    configuration_data(hostile.CONFIGURATION)
    scores(TABLE.encode())
    storage = hostile.open_study(hostile.confirmed_study())
    assert 6 == study_verdict(StoredStudy.read(storage)).comparison.blocks
    assert 6 == len(study_table(storage).columns) - 3
    assert "<html" in report_html(read_source(storage, "s"))
    assert exported(replace(StoredStudy.read(storage), confirmation=None), "yaml")


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n",
        "a: &a [*a]",
        "!!timestamp 2001-99-99",
        "!!int ''",
        "!!bool maybe",
        "[" * 5000,
        "schedule: {total_steps: 0x" + "f" * 9000 + "}",
    ],
)
def test_yaml_that_is_a_trap_is_refused(tmp_path: Path, text: str) -> None:
    """Aliases, tags that do not fit, nesting without end and numbers without end: one line each."""
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(InputError):
        load_configuration(tmp_path / "a.yaml")


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    """Two mebibytes of comments are refused by their size, and so is an endless device."""
    (tmp_path / "large.toml").write_text("# \n" * 700_000)
    for path in (tmp_path / "large.toml", Path("/dev/zero")):
        with pytest.raises(InputError, match="larger than the limit of 1 MiB"):
            StudyConfig.load(path)


def test_half_a_character_is_refused_wherever_it_stands() -> None:
    """JSON can spell an unpaired surrogate, which no file or terminal takes."""
    for wrong in ({"provenance": {"\ud800": None}}, {"scores": {"metric": ["\udfff"]}}):
        with pytest.raises(InputError, match=r"half a character .*'\\ud"):
            Configuration.from_dict({**hostile.CONFIGURATION, **wrong})
