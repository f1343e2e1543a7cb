"""The worked example of docs/own_workloads.md, run as the page runs it, but smaller."""

import json
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import torch

from lrsearch import Dataset
from lrsearch.config import StudyConfig

ROOT = Path(__file__).parent.parent
STUDY = ROOT / "studies" / "examples" / "residual_digits.toml"
EXAMPLE = "studies.examples.residual_digits"


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the example importable, as it is from the root of the repository."""
    monkeypatch.syspath_prepend(str(ROOT))


def _timeless(text: str) -> str:
    return re.sub(r"[\d.]+ s for", "N s for", text)


def _workload_check(run, workload: str) -> str:
    shown = run("doctor", "--workload", f"{EXAMPLE}:{workload}", "--device", "cpu", "--format", "json")
    assert 0 == shown.code, shown.out
    return {check["name"]: check["detail"] for check in json.loads(shown.out)}["workload"]


@pytest.mark.parametrize("workload", ["residual_digits", "residual_digits_batch_norm"])
def test_doctor_prints_what_the_page_says(run, workload: str) -> None:
    """With GroupNorm and with BatchNorm trials train side by side; only times may differ."""
    page = (ROOT / "docs" / "own_workloads.md").read_text(encoding="utf-8")
    assert _timeless(f"ok  workload: {_workload_check(run, workload)}\n") in _timeless(page)


@pytest.mark.integration
@pytest.mark.parametrize("name", ["fashion_resnet", "visits_auc"])
def test_other_examples_are_searched_and_confirmed(folder, run, monkeypatch, name: str) -> None:
    """Their study files name workloads that train, on few examples here; AUC keeps no score for each example."""
    module = import_module(f"studies.examples.{name}")
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(256, (240, 1, 28, 28), generator=generator, dtype=torch.uint8)
    images = Dataset(x[:200], torch.arange(200) % 10, x[200:], torch.arange(40) % 10)
    monkeypatch.setattr(module, "load_images", lambda _: lambda: images, raising=False)
    study = ROOT / "studies" / "examples" / f"{name}.toml"
    small = ["--epochs", "1", "--families", "cosine,constant", "--workers", "1", "--device", "cpu", "--pruner", "none"]
    assert 0 == run("optimize", study, *small, "--trials", "2").code
    assert 0 == run("confirm", study, *small, "--blocks", "2").code


@pytest.mark.integration
def test_the_example_goes_from_search_to_export(folder, run) -> None:
    """Its own optimizer, metric and direction hold in every step: less log loss is better, and is called so."""
    small = ["--epochs", "1", "--families", "cosine,one_cycle", "--workers", "1", "--device", "cpu"]
    assert 0 == run("optimize", STUDY, *small, "--trials", "4", "--pruner", "none").code
    result = run("confirm", STUDY, *small, "--pruner", "none", "--blocks", "6", "--format", "json")
    rows = {row["entry"]: row for row in json.loads(result.out)}
    assert all(0 < row["log loss"] < 3 for row in rows.values())
    compared = json.loads(run("compare", "--format", "json").out)
    assert ("log loss", "minimize") == (compared["metric"], compared["direction"])
    assert StudyConfig.load(STUDY).plan.rope == compared["rope"]
    best = min(rows, key=lambda entry: rows[entry]["log loss"])
    means = dict(zip(compared["families"], compared["mean"], strict=True))
    assert best == min(means, key=lambda family: means[family])
    assert rows[best]["log loss"] == pytest.approx(means[best])
    assert 0 == run("export", "--family", best, "-o", "best.toml").code
    assert 'name = "adamw"' in Path("best.toml").read_text()
    again = run("train", "best.toml", "--workload", f"{EXAMPLE}:residual_digits", "--device", "cpu", "--format", "json")
    assert 0 == again.code, again.err


@pytest.mark.integration
def test_the_console_script_finds_a_module_in_the_working_directory(folder) -> None:
    """`lrsearch --workload mine:f` works where mine.py lies, though a console script does not search there itself."""
    (folder / "mine.py").write_text("def f():\n    raise OSError('this is mine')\n")
    program = "import sys; from lrsearch.__main__ import command; sys.path.remove(''); sys.exit(command())"
    shown = subprocess.run(
        [sys.executable, "-c", program, "doctor", "--workload", "mine:f", "--device", "cpu"],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert 1 == shown.returncode
    assert "OSError: this is mine" in shown.stdout
