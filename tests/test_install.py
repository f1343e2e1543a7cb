"""lrsearch as it is installed: from its wheel, without extras, in an environment and a folder of its own."""

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from lrsearch.config import built_in_studies

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the console script of a fresh environment; it takes the libraries, not lrsearch, from this one."""
    folder = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", folder, ROOT], check=True)
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "env", with_pip=False)
    (packages,) = (folder / "env").glob("lib/python*/site-packages")
    subprocess.run(
        [*pip, "--python", folder / "env/bin/python", "install", "--no-deps", "--no-index", wheel], check=True
    )
    (packages / "libraries.pth").write_text(sysconfig.get_path("purelib"))
    return folder / "env/bin/lrsearch"


def _run(program: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command in an empty folder, with nothing of this clone on the path."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LRSEARCH_"))}
    return subprocess.run([program, *words], cwd=folder, env=clean, capture_output=True, text=True, check=False)


def test_it_runs_from_an_empty_folder_with_its_studies(program: Path, tmp_path: Path) -> None:
    """Version, every built-in study by its name, a study file to start from, and a first trial."""
    python = program.parent / "python"
    shown = _run(python, tmp_path, "-c", "import lrsearch; print(lrsearch.__version__, lrsearch.__file__)").stdout
    version, place = shown.split()
    assert Path(place).is_relative_to(program.parent.parent)
    assert f"lrsearch {version}\n" == _run(program, tmp_path, "--version").stdout
    for name in built_in_studies():
        assert 0 == _run(program, tmp_path, "init", f"{name}.toml", "--like", name).returncode
        assert (tmp_path / f"{name}.toml").read_text() == built_in_studies()[name].read_text()
    done = _run(program, tmp_path, "optimize", "quick", "--trials", "1", "--epochs", "1", "--workers", "1")
    assert 0 == done.returncode, done.stderr
    assert done.stderr.rstrip().splitlines()[-1].startswith("Next: lrsearch confirm --study-name quick")
