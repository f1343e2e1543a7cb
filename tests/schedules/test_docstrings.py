"""Every doctest of the room runs."""

from __future__ import annotations

import doctest
import importlib

import pytest

FILES_OF_FAMILIES = [f"families.{name}" for name in ("constant", "cosines", "decays", "drops", "plateau")]


@pytest.mark.parametrize("module", ["build", "ranges", "sample", "schedule", *FILES_OF_FAMILIES])
def test_the_examples_in_the_docstrings_are_true(module):
    """Every doctest of the package runs, and there is at least one in each of these modules."""
    failed, attempted = doctest.testmod(importlib.import_module(f"lrsearch.schedules.{module}"))
    assert attempted > 0
    assert failed == 0
