"""Where training runs, and how a record names it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from lrsearch.errors import InputError
from lrsearch.training import device


@pytest.mark.parametrize(
    ("name", "available", "chosen"),
    [("auto", False, "cpu"), ("auto", True, "cuda"), ("cpu", True, "cpu"), ("cuda", True, "cuda")],
)
def test_the_device_is_chosen(monkeypatch, name, available, chosen):
    """The GPU where there is one, unless the processor was asked for."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: available)
    assert chosen == device.choose_device(name)


@pytest.mark.parametrize(
    ("name", "complaint"), [("tpu", "device must be auto, cpu or cuda, got 'tpu'"), ("cuda", "PyTorch sees no GPU")]
)
def test_a_device_that_is_not_there_is_refused(monkeypatch, name, complaint):
    """Another name, and a GPU that does not exist."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match=complaint):
        device.choose_device(name)


def test_a_gpu_computes_in_full_float32(monkeypatch):
    """TensorFloat-32 is off for products and convolutions."""
    allowed = SimpleNamespace(
        cuda=SimpleNamespace(matmul=SimpleNamespace(allow_tf32=True)), cudnn=SimpleNamespace(allow_tf32=True)
    )
    monkeypatch.setattr(torch, "backends", allowed)
    device.set_up_device("cuda")
    assert not allowed.cuda.matmul.allow_tf32
    assert not allowed.cudnn.allow_tf32


def test_a_processor_computes_in_one_thread(monkeypatch):
    """Results do not depend on the cores."""
    threads = []
    monkeypatch.setattr(torch, "set_num_threads", threads.append)
    device.set_up_device("cpu")
    assert [1] == threads


def test_a_record_names_the_gpu(monkeypatch):
    """A processor is "cpu" alone."""
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA H200")
    assert ("cuda (NVIDIA H200)", "cpu") == (device.device_label("cuda"), device.device_label("cpu"))


def test_this_process_has_cores_and_memory():
    """At least one core, and the memory that Python and PyTorch take."""
    assert device.usable_cores() >= 1
    assert device.peak_memory_mib() > 10
