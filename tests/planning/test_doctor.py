"""The doctor finds what would spoil a search, and says it in one line."""

import json
import re

import numba
import pytest
import torch

from lrsearch.planning import doctor
from lrsearch.training.lenet.processor import step
from lrsearch.training.lenet.processor.vectors import vector_bytes

EXAMPLES = "tests.workload_examples"


@pytest.mark.parametrize(
    ("workload", "parts"),
    [
        ("nan_metric", ["NaN or infinite after one epoch", "validation score, holdout score"]),
        ("compares_examples", ["its metric must treat each example by itself", "among 8"]),
        ("fails_when_called_again", ["fails on single examples: RuntimeError: out of luck"]),
        ("fails_later", ["fails within its first epoch: ", "3 is out of bounds"]),
    ],
)
def test_a_workload_that_would_fail_later_is_found_beforehand(run, workload, parts) -> None:
    """Exit code 1, and one line that names what is wrong."""
    result = run("doctor", "--workload", f"{EXAMPLES}:{workload}", "--device", "cpu", "--format", "json")
    assert 1 == result.code
    [check] = [check for check in json.loads(result.out) if check["name"] == "workload"]
    assert not check["ok"]
    assert 1 == len(check["detail"].splitlines())
    for part in parts:
        assert part in check["detail"]


def test_too_few_examples_are_told_by_number(run, folder, monkeypatch) -> None:
    """Eleven training examples cannot be split."""
    (folder / "few.py").write_text(
        "from dataclasses import replace\nfrom lrsearch import Dataset\nfrom tests.workload_examples import *\n"
        "def f():\n    d = tabular_data()\n    few = Dataset(d.train_x[:11], d.train_y[:11], d.test_x, d.test_y)\n"
        "    return replace(tabular(), data=lambda: few)\n"
    )
    monkeypatch.syspath_prepend(folder)
    assert "at least 12 training examples" in run("doctor", "--workload", "few:f", "--device", "cpu").out
    assert "at least 12 training examples" in run("optimize", "--workload", "few:f", "--workers", "1").complaint


def test_kernels_that_do_not_work_are_named(run, monkeypatch) -> None:
    """Training goes on with slower ones, which nothing else would say before the first run."""
    monkeypatch.setattr("lrsearch.training.lenet.convolution.why_no_numba", lambda dtype: "no LLVM")
    result = run("doctor", "--workload", f"{EXAMPLES}:tabular", "--device", "cpu", "--format", "json")
    [device] = [check for check in json.loads(result.out) if check["name"] == "device"]
    assert "slower than it could be, as Numba does not work (no LLVM)" in device["detail"]


def test_kernels_that_work_are_named_with_their_cache(tmp_path, monkeypatch) -> None:
    """The name that trials keep, with the width of the vectors; and whether every process has to compile them."""
    step.prepare(torch.float32)  # before the cache is another one, or they would be compiled for it
    (tmp_path / "file").touch()
    for cache, said, then in (
        (tmp_path, "kept in", ""),
        (tmp_path / "file", "compiled in every process, as", " cannot be written"),
    ):
        monkeypatch.setattr(numba.config, "CACHE_DIR", str(cache))
        name = f"LeNet by numba 4 float32x{vector_bytes() // 4} (its vectors' type and width), "
        assert re.search(
            f"; {re.escape(f'{name}{said} {cache}/')}kernels-[0-9a-f]{{12}}-float32x[0-9]+{then}$",
            doctor._device("cpu"),
        )
