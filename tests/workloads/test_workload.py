"""A workload: what it must be, and that its data is known again."""

from dataclasses import replace

import numpy as np
import pytest

from lrsearch.config import BUILT_IN_WORKLOAD
from lrsearch.errors import InputError
from lrsearch.workloads import load_workload
from lrsearch.workloads.workload import source_digest
from tests.workload_examples import tabular


def test_an_address_gives_its_workload_and_options_reach_it() -> None:
    """`package.module:function` is imported and called."""
    assert "tabular" == load_workload("tests.workload_examples:tabular").name
    assert "LeNet on digits" == load_workload(BUILT_IN_WORKLOAD, dataset="digits").name


def test_options_that_a_function_does_not_take_are_refused() -> None:
    """The error names them."""
    with pytest.raises(InputError, match=r"cannot be called with \{'dataset': 'digits'\}"):
        load_workload("tests.workload_examples:tabular", dataset="digits")


NAN, INFINITE = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("direction", "up", "maximize or minimize"),
        ("batch_size", 0, "a whole number of at least 1"),
        ("batch_size", 2.5, "a whole number of at least 1"),
        ("batch_size", True, "a whole number of at least 1"),
        *(("worst_value", wrong, "a finite number or None") for wrong in ("0.1", NAN, INFINITE, -INFINITE, True)),
        *(("failed_at", wrong, "a finite number or None") for wrong in ("0.2", NAN, INFINITE)),
        ("evaluation_batch_size", 0, "a whole number of at least 1"),
        ("metric_over", "all", "examples or set"),
        ("augment", "flip", "a function or None"),
        ("parameter_group", 1.0, "a function or None"),
        ("metric", "accuracy", "a function"),
        ("loss", None, "a function"),
        ("metric_name", None, "a text"),
    ],
)
def test_a_workload_refuses_what_it_cannot_be(field, value, rule) -> None:
    """Where it is made; the error names the workload, the field, the rule and the value."""
    with pytest.raises(InputError) as caught:
        replace(tabular(), **{field: value})
    assert f"workload 'tabular': {field} must be {rule}, got {value!r}" == str(caught.value)


def test_a_score_that_counts_as_failed_may_be_given() -> None:
    """Any finite number, of NumPy too; without one the rule by the worst value holds."""
    assert tabular().failed_at is None
    assert 0.4 == replace(tabular(), failed_at=0.4).failed_at
    assert np.float32(0.5) == replace(tabular(), failed_at=np.float32(0.5)).failed_at


def test_a_changed_helper_changes_the_digest_of_the_source(tmp_path, monkeypatch) -> None:
    """It is that of the whole file; what has no file has none."""
    monkeypatch.syspath_prepend(str(tmp_path))
    file = tmp_path / "digested.py"
    file.write_text("def helper():\n    return 1\n\ndef f():\n    return helper()\n")
    before = source_digest("digested:f")
    assert before == source_digest("digested:f")
    file.write_text(file.read_text().replace("return 1", "return 2"))
    assert "" != source_digest("digested:f") != before
    assert "" == source_digest("math:sin")
