"""What all exported Python files share: comments and constants."""

from __future__ import annotations

from lrsearch.export import render
from tests.export.documents import document, example, run_code


def test_a_password_is_not_exported():
    """The provenance holds the storage's address without it."""
    text = render(document(example("cosine"), provenance={"storage": "postgresql://me:***@host/db"}), "python")
    assert "me:***@host" in text


def test_no_text_of_a_study_becomes_code():
    """A name with a line break stays inside its comment."""
    evil = "x\nraise SystemExit('run')\r\u2028raise SystemExit"
    tables = {"provenance": {"study": evil, evil: 1}, "scores": {"metric": evil}}
    for form in ("python", "optax", "hf", "timm", "csv"):
        text = render(document(example("cosine"), **tables), form)
        assert [] == [line for line in text.splitlines() if line.startswith("raise")]
        if form != "csv":
            compile(text, form, "exec")
    run_code(example("cosine"), "python", **tables)
