"""The reference is that of the code."""

import importlib.util
from pathlib import Path

import pytest

import lrsearch

ROOT = Path(__file__).parent.parent


@pytest.mark.integration  # it imports every room
def test_the_page_is_written_from_the_docstrings() -> None:
    """`python studies/reference.py` would change nothing; every public name has its section."""
    spec = importlib.util.spec_from_file_location("reference", ROOT / "studies" / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    page = script.PAGE.read_text(encoding="utf-8")
    assert page == script.reference(), "run python studies/reference.py"
    assert all(f"\n## {name}\n" in page for name in lrsearch.__all__)
    assert " at 0x" not in page
