"""An adapter whose library is not installed."""

import importlib
import sys

import pytest

from lrsearch import InputError


@pytest.mark.parametrize("library", ["transformers", "lightning", "accelerate", "skorch"])
def test_a_missing_library_is_named_in_one_line(library, monkeypatch) -> None:
    """With the command that installs it."""
    for name in [name for name in sys.modules if name.startswith(f"{library}.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.delitem(sys.modules, f"lrsearch.adapters.{library}", raising=False)
    with pytest.raises(InputError, match=rf"^lrsearch\.adapters\.{library}: .*; pip install .*{library}"):
        importlib.import_module(f"lrsearch.adapters.{library}")
