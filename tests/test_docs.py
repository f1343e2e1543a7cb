"""The documentation is true: links lead somewhere, Python runs, command lines parse, every family is described."""

import importlib.util
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.main import get_command

from lrsearch.cli import app
from lrsearch.config import StudyConfig, built_in_studies
from lrsearch.schedules import FAMILIES, describe_family, step_families

ROOT = Path(__file__).parent.parent
PAGES = {
    str(page.relative_to(ROOT)): page
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted(ROOT.glob("studies/**/*.md"))]
}
FENCE = re.compile(r"(?P<before>[^\n]*)\n+```(?P<language>\w+)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
NOT_RUN = re.compile(r"<!-- not run: .+ -->")
# What a page's first block takes for granted.
PREAMBLES = {
    "README.md": "import lrsearch, numpy, optuna, torch\n"
    "trial = optuna.create_study().ask()\n"
    "optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)\n"
}
READERS = ("compare", "report", "export", "trials", "dashboard")
COMMANDS: Any = get_command(app)
USAGE_ERROR: type[Exception] = typer.BadParameter.__bases__[0]


def _blocks(page: str, language: str) -> list[str]:
    fences = FENCE.finditer("\n" + PAGES[page].read_text(encoding="utf-8"))
    return [m["code"] for m in fences if m["language"] == language and not NOT_RUN.fullmatch(m["before"].strip())]


def _prose(page: str) -> str:
    return FENCE.sub("\n", "\n" + PAGES[page].read_text(encoding="utf-8"))


def _anchors(page: Path) -> set[str]:
    """Return the names that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _command_lines(page: str) -> Iterator[list[str]]:
    """Yield the words of every command line of lrsearch on a page: in console blocks, and between backticks."""
    lines = [line for block in _blocks(page, "console") for line in block.splitlines()]
    spans = [span.replace("\n", " ") for span in re.findall(r"`(lrsearch [^`]+)`", _prose(page))]
    for line in [*lines, *spans]:
        for part in line.split("&&"):
            words = shlex.split(part, comments=True)
            words = words[2:] if words[:2] == ["python", "-m"] else words
            if words[:1] == ["lrsearch"] and words[1] not in ("COMMAND", "--install-completion"):
                yield words[1:]


def _parsed(words: list[str]) -> Any:
    """Return the parameters that a command line gives; fail where the command or a flag of it does not exist."""
    assert words[0] in COMMANDS.commands, f"there is no command {words[0]!r}"
    if len(words) == 1:  # the name of a command, in a sentence
        return {}
    try:
        return COMMANDS.commands[words[0]].make_context(words[0], words[1:]).params
    except USAGE_ERROR as error:
        pytest.fail(f"lrsearch {shlex.join(words)}: {error}")


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    """Relative links and pictures name files of the repository, and anchors name headings of them."""
    for target in re.findall(r"\]\(([^)\s]+)\)", _prose(page)):
        if re.match(r"\w+://|mailto:", target):
            continue
        path, _, anchor = target.partition("#")
        linked = (PAGES[page].parent / path).resolve() if path else PAGES[page]
        assert linked.exists(), f"{page}: {target}"
        assert linked.is_relative_to(ROOT), f"{page}: {target}"
        assert not anchor or anchor in _anchors(linked), f"{page}: {target}"


@pytest.mark.parametrize("page", [page for page in PAGES if _blocks(page, "python")])
def test_every_python_block_runs(page: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The blocks of a page run one after the other, as a reader would run them."""
    namespace: dict[str, Any] = {"__name__": "docs"}
    exec(PREAMBLES.get(page, ""), namespace)
    for number, block in enumerate(_blocks(page, "python"), start=1):
        exec(compile(block, f"{page}, Python block {number}", "exec"), namespace)


@pytest.mark.parametrize("page", PAGES)
def test_every_command_line_exists(page: str) -> None:
    """Commands and flags are those of the command line, values have their type, and the files they read are there."""
    written: set[str] = set()
    for words in _command_lines(page):
        given = _parsed(words)
        read = [given.get("study"), given.get("config")]
        written |= {str(path) for path in (given.get("target"), given.get("page")) if path}
        for path in map(str, filter(None, read)):
            # CONFIG and the like stand for a file of the reader's.
            known = path.isupper() or path in written or path in built_in_studies()
            known |= words[0] in READERS and not path.endswith(".toml")  # the name of a stored study
            assert known or (ROOT / path).is_file(), f"{page}: {shlex.join(words)}: there is no {path}"
        if given.get("workload") and "package.module" not in given["workload"]:
            module = given["workload"].partition(":")[0]
            assert (ROOT / f"{module.replace('.', '/')}.py").is_file(), f"{page}: {module}"


@pytest.mark.parametrize("page", PAGES)
def test_every_script_that_is_run_is_there(page: str) -> None:
    """`python path/to/script.py` names a script of the repository."""
    for script in re.findall(r"\bpython ([\w/]+\.py)", PAGES[page].read_text(encoding="utf-8")):
        assert (ROOT / script).is_file(), f"{page}: {script}"


@pytest.mark.parametrize("page", [page for page in PAGES if _blocks(page, "toml")])
def test_every_toml_block_is_a_part_of_a_study(page: str, tmp_path: Path) -> None:
    """What a page shows of a study file is accepted in one, beside the file of rates that it may name."""
    (tmp_path / "rates.csv").write_text("0,0.1\n", encoding="utf-8")
    for block in _blocks(page, "toml"):
        (tmp_path / "study.toml").write_text(block, encoding="utf-8")
        StudyConfig.load(tmp_path / "study.toml")


@pytest.mark.parametrize("name", COMMANDS.commands)
def test_the_help_of_every_command_has_an_example_that_parses(name: str) -> None:
    """Every command shows how it is called, and the call is one of this command."""
    examples = re.findall(r"^\s*Example: lrsearch (.+)$", COMMANDS.commands[name].help or "", re.MULTILINE)
    assert examples
    for example in examples:
        words = shlex.split(example)
        assert name == words[0]
        _parsed(words)


def test_the_shell_completes_commands_and_flags(folder: Path) -> None:
    """What `--install-completion` installs asks the program itself, which answers with what begins so."""
    asked = {"COMP_WORDS": "lrsearch optimize --sam", "COMP_CWORD": "2", "_LRSEARCH_COMPLETE": "complete_bash"}
    program = [sys.executable, "-c", "from lrsearch.__main__ import command; command()"]
    environment = {**os.environ, **asked, "PYTHONPATH": str(ROOT)}
    shown = subprocess.run(program, env=environment, capture_output=True, text=True, check=False)
    assert "--sampler" == shown.stdout.strip()


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_is_described(family: str) -> None:
    """The page of schedules has a section per family, with its own formula, every parameter, and its picture."""
    page = PAGES["docs/schedules.md"].read_text(encoding="utf-8")
    section = re.search(rf"^## {family}\n(.*?)^## ", page, re.MULTILINE | re.DOTALL)
    assert section is not None, f"docs/schedules.md needs a section '## {family}'"
    described = describe_family(family)
    assert f"`{described.formula}`" in section[1]
    searched = set(FAMILIES[family].priors()) - {"base_lr", "warmup_steps", "milestone_2"}
    for parameter in {*described.parameters, *searched}:
        assert f"`{parameter}`" in section[1]
    assert (f"pictures/{family}.svg" in section[1]) == (not FAMILIES[family].reads_metric)
    twins = section[1].partition("Twins: ")[2]
    for library, name in FAMILIES[family].twins.items():
        assert library in twins
        assert f"`{name}`" in twins


def test_the_committed_pictures_are_what_the_script_draws() -> None:
    """The pictures of the schedules are drawn by the schedules as they are now, and none weighs more than 100 kB."""
    location = ROOT / "studies" / "pictures.py"
    spec = importlib.util.spec_from_file_location("pictures", location)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert set(step_families()) == set(script.SHOWN), "SHOWN in studies/pictures.py says which curves are drawn"
    for name, svg in script.schedule_pictures().items():
        assert f"{svg}\n" == (script.PICTURES / name).read_text(encoding="utf-8"), f"{name}: run {location.name}"
    assert all(picture.stat().st_size < 100_000 for picture in script.PICTURES.iterdir())


def test_the_checks_find_what_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dead link, an unknown flag, a missing file and a broken block are each found; a marked block is not run."""
    page = tmp_path / "page.md"
    monkeypatch.setitem(PAGES, "page.md", page)

    def wrong(text: str, check: Any, *arguments: Any) -> None:
        page.write_text(text)
        with pytest.raises((AssertionError, pytest.fail.Exception, ZeroDivisionError)):
            check("page.md", *arguments)

    wrong("[a](nowhere.md)", test_every_link_leads_somewhere)
    wrong("# Here\n[a](#there)", test_every_link_leads_somewhere)
    wrong("```console\nlrsearch optimize --trails 3\n```", test_every_command_line_exists)
    wrong("say `lrsearch optimise`", test_every_command_line_exists)
    wrong("```console\nlrsearch optimize studies/none.toml\n```", test_every_command_line_exists)
    wrong("```python\n1 / 0\n```", test_every_python_block_runs, tmp_path, None)
    page.write_text("<!-- not run: it needs a cluster -->\n```python\n1 / 0\n```")
    assert [] == _blocks("page.md", "python")
