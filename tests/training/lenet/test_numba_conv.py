"""The kernels of a processor, each against PyTorch, and what happens where they cannot be had."""

import os
import subprocess
import sys
from pathlib import Path

import numba
import pytest
import torch

from lrsearch.training.lenet import numba_conv
from lrsearch.training.lenet.numba_kernels import Layer
from lrsearch.training.lenet.vectors import vector_bytes
from tests.training.lenet.examples import LAYERS, batch_last, block, example, in_tiles


@LAYERS
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 2e-5)])
def test_the_block_and_its_gradients_are_those_of_autograd(layer, dtype, tolerance):
    """Output and all gradients, of every lane, on images of its own."""
    images, weights, bias, gradient = example(layer, dtype)
    tape = numba_conv.forward(weights, bias, in_tiles(images))
    unpooled = numba_conv.unpool(gradient, tape)
    of_weights, of_bias = numba_conv.weights_gradient(unpooled)
    of_images = numba_conv.images_gradient(unpooled)
    for lane in range(len(weights)):
        leaves = [t[lane].double().requires_grad_() for t in (images, weights, bias)]
        expected = block(*leaves)
        expected.backward(gradient[lane].double())
        actual = (batch_last(tape.output), batch_last(of_images), of_weights, of_bias)
        for truth, result in zip((expected.detach(), *(leaf.grad for leaf in leaves)), actual, strict=True):
            error = (truth - result[lane].double()).abs().max() / truth.abs().max()
            assert error < tolerance


def test_stored_images_are_normalised_framed_and_filled_up():
    """A batch of 19 becomes two whole tiles: its images first, zeros behind them and around them."""
    x = torch.randint(0, 256, (1, 19, 1, 28, 28), dtype=torch.uint8)
    images = numba_conv.stored_columns(x, torch.float32, 2)
    assert (1, 2, 1, 32, 32, 16) == images.shape
    inner = batch_last(images)[0, 0, 2:30, 2:30, :19].permute(2, 0, 1)
    torch.testing.assert_close((x[0, :, 0] / 255 - 0.5) / 0.5, inner)
    assert images.count_nonzero() == inner.count_nonzero()


def test_the_name_says_type_and_width():
    """The name that a trial keeps tells which kernels its bits are of."""
    assert numba_conv.prepare(torch.float64) == f"numba 3 float64x{vector_bytes() // 8}"


@pytest.fixture
def attempts(monkeypatch) -> list[Path | None]:
    """Kernels that are not compiled, and the folders in which they were to be kept."""
    folders: list[Path | None] = []

    def tried(dtype: torch.dtype, folder: Path | None) -> dict[Layer, object]:
        folders.append(folder)
        if folder is not None and (folder / "damaged").exists():
            raise EOFError("Ran out of input")
        return {}

    monkeypatch.setattr(numba_conv, "_tried", tried)
    return folders


def test_a_damaged_cache_is_replaced(attempts, tmp_path, monkeypatch):
    """What cannot be read in the cache is deleted, and the kernels are compiled anew."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    folder = tmp_path / "kernels"
    folder.mkdir()
    (folder / "damaged").touch()
    assert numba_conv._kernels.__wrapped__(torch.float32) == {}
    assert [folder, folder] == attempts
    assert not folder.exists()


def test_an_unwritable_cache_is_done_without(attempts, tmp_path, monkeypatch):
    """Where no folder can be made, nothing is kept."""
    (tmp_path / "file").touch()
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "file"))
    assert numba_conv._kernels.__wrapped__(torch.float32) == {}
    assert [None] == attempts


@pytest.mark.integration
def test_two_processes_share_a_cache_and_mend_it(tmp_path):
    """Two processes compile at once; then a file of the cache is cut off, and the next process replaces it."""
    code = "import torch; from lrsearch.training.lenet import numba_conv; print(numba_conv.prepare(torch.float32))"
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}

    def start() -> subprocess.Popen[str]:
        return subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True)

    for process in [start(), start()]:
        assert process.communicate(timeout=120)[0].startswith("numba 3 float32x")
    kept = sorted(tmp_path.rglob("*.nbc"))
    kept[0].write_bytes(kept[0].read_bytes()[:100])
    assert start().communicate(timeout=120)[0].startswith("numba 3 float32x")
    assert all(len(path.read_bytes()) > 100 for path in tmp_path.rglob("*.nbc"))
