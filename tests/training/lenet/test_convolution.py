"""What computes the block, and what is said where the fastest way is closed."""

from __future__ import annotations

import logging

import pytest
import torch

from lrsearch.errors import InputError
from lrsearch.planning import doctor
from lrsearch.training.lenet import convolution
from lrsearch.training.lenet.processor import step


def test_without_numba_one_line_is_said_and_the_products_compute(monkeypatch, caplog):
    """A processor that Numba does not know trains all the same."""

    def fails(dtype: torch.dtype) -> str:
        raise RuntimeError("unknown processor\nand more")

    monkeypatch.setattr(step, "prepare", fails)
    with caplog.at_level(logging.WARNING):
        assert convolution.why_no_numba.__wrapped__(torch.float32) == "unknown processor"
    assert ["Numba does not work (unknown processor): training is slower"] == [r.message for r in caplog.records]


def test_without_triton_it_is_said_why(monkeypatch, caplog) -> None:
    """PyTorch's operations take over, and both the log and `doctor` name the reason."""
    why = convolution.why_no_triton.__wrapped__
    monkeypatch.setattr(convolution, "find_spec", lambda name: None)
    assert why(0) == "it is not installed"
    assert "Triton does not work (it is not installed)" in caplog.text
    monkeypatch.setattr(convolution, "why_no_triton", lambda device: why(device))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "stand-in")
    assert "Triton does not work (it is not installed)" in doctor._device("cuda")


@pytest.mark.parametrize(("given", "expected"), [("", "triton"), ("fp32", "triton"), ("tf32x3", "triton tf32x3")])
def test_three_passes_are_chosen_by_name_and_recorded(monkeypatch, given, expected) -> None:
    """They are never taken unasked, and the name stands in the trial's record; another is refused."""
    monkeypatch.setattr(convolution, "why_no_triton", lambda device: "")
    monkeypatch.setenv("LRSEARCH_GPU_PRECISION", given)
    assert expected == convolution.kernels_on("cuda", torch.float32)
    monkeypatch.setenv("LRSEARCH_GPU_PRECISION", "bf16")
    with pytest.raises(InputError, match="LRSEARCH_GPU_PRECISION must be one of fp32, tf32x3, got 'bf16'"):
        convolution.kernels_on("cuda", torch.float32)
