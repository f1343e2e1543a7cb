"""The layout that docs/architecture.md promises: small folders, and tests that lie beside what they test."""

import ast
import re
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "lrsearch"
MOST_FILES, MOST_LOOSE_FILES = 16, 8
FOLDERS = sorted({path.parent for path in PACKAGE.rglob("*.py")})


def _test_of(module: Path) -> Path:
    """Return where the tests of a module lie: those of cli/flags.py in tests/cli/test_flags.py."""
    return ROOT / "tests" / module.parent.relative_to(PACKAGE) / f"test_{module.stem.strip('_')}.py"


def test_most_modules_have_a_test_file_of_their_name() -> None:
    """Four of five at least; the message lists those that have none."""
    modules = [path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py"]
    without = sorted(str(path.relative_to(ROOT)) for path in modules if not _test_of(path).exists())
    assert len(modules) > 100
    assert len(without) <= 0.2 * len(modules), without


def test_the_page_on_the_architecture_names_files_that_exist() -> None:
    """Every path between backticks is one of the package or of the repository."""
    page = (ROOT / "docs" / "architecture.md").read_text()
    paths = set(re.findall(r"`((?:[a-z_]+/)+(?:[a-z_]+\.[a-z]+)?|[a-z_]+\.py)(?::[a-z_]+)?`", page))
    assert len(paths) > 40
    missing = [path for path in sorted(paths) if not any((place / path).exists() for place in (PACKAGE, ROOT))]
    assert not missing


@pytest.mark.parametrize("folder", FOLDERS, ids=[str(folder.relative_to(ROOT)) for folder in FOLDERS])
def test_a_folder_can_be_taken_in_at_a_glance(folder: Path) -> None:
    """No room holds more files than one can keep in mind, and most of the package lies in rooms."""
    most = MOST_LOOSE_FILES if folder == PACKAGE else MOST_FILES
    assert len(list(folder.glob("*.py"))) <= most


@pytest.mark.integration
def test_scripts_take_names_from_the_package_that_exist() -> None:
    """Those imported within a function too, which only shows when it is called."""
    taken = [
        (script, statement.module, name.name)
        for script in sorted((ROOT / "studies").rglob("*.py"))
        for statement in ast.walk(ast.parse(script.read_text()))
        if isinstance(statement, ast.ImportFrom) and (statement.module or "").split(".")[0] == "lrsearch"
        for name in statement.names
    ]
    assert len(taken) > 100
    missing = [
        f"{script.relative_to(ROOT)}: {module}.{name}"
        for script, module, name in taken
        if not hasattr(import_module(module), name) and find_spec(f"{module}.{name}") is None
    ]
    assert not missing
