"""The examples of training of one's own, each from search to verdict and report in a small size."""

import difflib
import json
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import lrsearch
from lrsearch import StudyConfig

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "studies" / "examples"
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "char_gpt/function": ("torch", {"EVERY": 4, "BATCH": 2, "EVALUATED": 4}),
    "bert_trainer": ("transformers", {"BATCH": 4, "PASSAGES": 10}),
    "lightning_digits": ("lightning", {"BATCH": 8, "EXAMPLES": (32, 16, 16)}),
    "layer_decay": ("timm", {"BATCH": 8, "EXAMPLES": {"train": 32, "validation": 16, "test": 16}}),
}


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the examples importable, as they are from the root of the repository."""
    monkeypatch.syspath_prepend(str(ROOT))


def judged(config: StudyConfig, folder: Path) -> None:
    """Search, confirm, compare and report; fail unless each family has a score in every block."""
    storage = f"sqlite:///{folder}/search.db"
    lrsearch.optimize(config, storage=storage, workers=1)
    lrsearch.confirm(config, storage=storage, workers=1)
    comparison = lrsearch.compare(config.name, storage=storage)
    assert set(config.search.families) == set(comparison.families)
    assert 4 == len(comparison.families)
    assert 6 == comparison.blocks
    assert "measured by loss" in comparison.verdict_text
    assert "<html" in lrsearch.write_report(config.name, folder / "report.html", storage=storage).read_text()


@pytest.mark.integration
@pytest.mark.filterwarnings("default")  # of the libraries' own
@pytest.mark.parametrize(
    "example",
    [case if case == "lightning_digits" else pytest.param(case, marks=pytest.mark.slow) for case in CASES],
)
def test_an_example_gets_its_verdict(example, folder, monkeypatch) -> None:
    """Four families in six blocks, 8 updates a run."""
    library, sizes = CASES[example]
    if find_spec(library) is None:
        pytest.skip(f"needs {library}")
    module = import_module(f"studies.examples.{example.replace('/', '.')}")
    for name, value in sizes.items():
        monkeypatch.setattr(module, name, value)
    small = {"run.total_steps": 8, "run.reports": 2, "run.in_process": True, "search.trials": 4}
    judged(StudyConfig.load(EXAMPLES / f"{example}.toml").changed(small), folder)


def added(way: str, changed: str = "+") -> list[str]:
    """Return the lines of a script that `diff` shows beside plain.py, empty ones too."""
    scripts = ((EXAMPLES / "char_gpt" / f"{name}.py").read_text(encoding="utf-8") for name in ("plain", way))
    difference = difflib.unified_diff(*map(str.splitlines, scripts), n=0, lineterm="")
    return [line for line in difference if line.startswith(tuple(changed)) and line[:3] not in ("---", "+++")]


@pytest.mark.parametrize("way", ["function", "command"])
def test_ten_lines_change_at_most(way) -> None:
    """Between the script that knows nothing of lrsearch and the one that it runs."""
    assert 5 < len(added(way)) <= 10


def test_the_page_shows_every_line_that_changes() -> None:
    """docs/own_training.md holds the difference as it is, without the lines around it."""
    page = (ROOT / "docs" / "own_training.md").read_text(encoding="utf-8")
    assert "\n".join(added("function", "+-")) in page


@pytest.mark.integration
def test_the_command_gets_its_score(folder) -> None:
    """As its script says, in a process of its own; 200 updates of it take seconds."""
    config = StudyConfig.load(EXAMPLES / "char_gpt" / "command.toml")
    assert config.run is not None
    script = str(EXAMPLES / "char_gpt" / "command.py")
    small = {"run.command": [sys.executable, script], "search.families": ["cosine"], "search.trials": 1}
    study = lrsearch.optimize(config.changed(small), storage=f"sqlite:///{folder}/search.db", workers=1)
    assert 1.5 < json.loads(str(study.best_value)) < 3.5
