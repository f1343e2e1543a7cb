"""The notebook runs from top to bottom, and shows what it promises."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

NOTEBOOK = Path(__file__).parent.parent / "studies" / "quickstart.ipynb"


def _cells(kind: str) -> list[str]:
    content = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in content["cells"] if cell["cell_type"] == kind]


def test_it_is_stored_as_it_ran() -> None:
    """From top to bottom, in one go: a reader sees the answer and the curves. Nothing names the machine."""
    content = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    code = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
    assert list(range(1, len(code) + 1)) == [cell["execution_count"] for cell in code]
    shown = json.dumps([cell["outputs"] for cell in code])
    assert "<strong>Use <code>" in shown
    assert shown.count("<svg") == 2
    assert not re.findall(r"/root|/home|/tmp|[A-Z]:\\\\", shown)
    assert '"output_type": "error"' not in shown
    assert 4 == content["nbformat"]


def test_its_links_lead_somewhere() -> None:
    """Every relative link of its text names a file."""
    links = re.findall(r"\]\(([^)\s]+)\)", "\n".join(_cells("markdown")))
    assert links
    assert all((NOTEBOOK.parent / link).exists() for link in links)


@pytest.mark.integration
def test_it_runs_from_top_to_bottom(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its code runs in order in one namespace, with small settings: it ends with a verdict and a trained network."""
    monkeypatch.setenv("LRSEARCH_NOTEBOOK", "small")
    here: dict[str, Any] = {"__name__": "notebook"}
    for number, cell in enumerate(_cells("code"), start=1):
        exec(compile(cell, f"{NOTEBOOK.name}, code cell {number}", "exec"), here)
    assert 5 == len(here["study"].trials)
    assert "these configurations" in here["comparison"]._repr_html_()
    assert here["mine"].total_steps == here["EPOCHS"] * here["STEPS_PER_EPOCH"]
    assert "<svg" in here["mine"]._repr_html_()
    assert "epoch 2: loss" in capsys.readouterr().out
