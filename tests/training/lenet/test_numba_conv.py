"""The kernels of a processor, each against PyTorch, and what happens where they cannot be had."""

import logging
import os
import subprocess
import sys
from pathlib import Path

import numba
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from lrsearch.training.lenet import convolution, numba_conv
from lrsearch.training.lenet.numba_kernels import Layer
from lrsearch.training.lenet.vectors import vector_bytes

LAYERS = pytest.mark.parametrize("layer", [Layer(1, 32, 6), Layer(6, 14, 16)], ids=["first", "second"])


def block(images: Tensor, weights: Tensor, bias: Tensor) -> Tensor:
    """Return the block of one lane by PyTorch, the batch last: `[C, H, W, B]` to `[O, P, P, B]`."""
    pooled = functional.max_pool2d(functional.conv2d(images.permute(3, 0, 1, 2), weights, bias), 2)
    return pooled.relu().permute(1, 2, 3, 0)


def example(layer: Layer, dtype: torch.dtype, lanes: int = 2) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return images, weights, biases and the gradient of the output, all lanes', with ties in every image."""
    rng = torch.Generator().manual_seed(3)
    channels, side, outputs = layer
    batch, pooled = 2 * vector_bytes() // dtype.itemsize, side // 2 - 2
    images = torch.randn(lanes, channels, side, side, batch, generator=rng, dtype=torch.float64)
    images[:, :, : side // 3] = 0.5
    weights = torch.randn(lanes, outputs, channels, 5, 5, generator=rng, dtype=torch.float64) / 5
    bias = torch.randn(lanes, outputs, generator=rng, dtype=torch.float64)
    gradient = torch.randn(lanes, outputs, pooled, pooled, batch, generator=rng, dtype=torch.float64)
    return images.to(dtype), weights.to(dtype), bias.to(dtype), gradient.to(dtype)


@LAYERS
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 2e-5)])
def test_the_block_and_its_gradients_are_those_of_autograd(layer, dtype, tolerance):
    """Output and all gradients, of every lane, on images of its own."""
    images, weights, bias, gradient = example(layer, dtype)
    tape = numba_conv.forward(weights, bias, images)
    unpooled = numba_conv.unpool(gradient, tape)
    of_weights, of_bias = numba_conv.weights_gradient(unpooled)
    of_images = numba_conv.images_gradient(unpooled)
    for lane in range(len(weights)):
        leaves = [t[lane].double().requires_grad_() for t in (images, weights, bias)]
        expected = block(*leaves)
        expected.backward(gradient[lane].double())
        actual = (tape.output, of_images, of_weights, of_bias)
        for truth, own in zip((expected.detach(), *(leaf.grad for leaf in leaves)), actual, strict=True):
            error = (truth - own[lane].double()).abs().max() / truth.abs().max()
            assert error < tolerance


@LAYERS
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("where", ["images", "weights", "bias"])
def test_what_is_not_finite_spreads_as_in_pytorch(layer, value, where):
    """NaN and infinity in an image, a weight or a bias: the output has them where PyTorch's has."""
    images, weights, bias, _ = example(layer, torch.float32, lanes=1)
    {"images": images, "weights": weights, "bias": bias}[where].flatten()[7 % bias.numel()] = value
    expected = block(images[0], weights[0], bias[0])
    torch.testing.assert_close(
        expected, numba_conv.forward(weights, bias, images).output[0], rtol=1e-4, atol=1e-5, equal_nan=True
    )


def test_stored_images_are_normalised_framed_and_filled_up():
    """A batch of 3 becomes whole vectors: its images first, zeros behind them and around them."""
    x = torch.randint(0, 256, (1, 3, 1, 28, 28), dtype=torch.uint8)
    images = numba_conv.stored_columns(x, torch.float32, 2)
    assert (1, 1, 32, 32, vector_bytes() // 2) == images.shape
    inner = images[0, 0, 2:30, 2:30, :3].permute(2, 0, 1)
    torch.testing.assert_close((x[0, :, 0] / 255 - 0.5) / 0.5, inner)
    assert images.count_nonzero() == inner.count_nonzero()


def test_the_name_says_type_and_width():
    """The name that a trial keeps tells which kernels its bits are of."""
    assert numba_conv.prepare(torch.float64) == f"numba float64x{vector_bytes() // 8}"


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


def test_without_numba_one_line_is_said_and_the_products_compute(monkeypatch, caplog):
    """A processor that Numba does not know trains all the same."""

    def fails(dtype: torch.dtype) -> str:
        raise RuntimeError("unknown processor\nand more")

    monkeypatch.setattr(numba_conv, "prepare", fails)
    with caplog.at_level(logging.WARNING):
        assert convolution.why_no_numba.__wrapped__(torch.float32) == "unknown processor"
    assert ["Numba does not work (unknown processor): training is slower"] == [r.message for r in caplog.records]


@pytest.mark.integration
def test_two_processes_share_a_cache_and_mend_it(tmp_path):
    """Two processes compile at once; then a file of the cache is cut off, and the next process replaces it."""
    code = "import torch; from lrsearch.training.lenet import numba_conv; print(numba_conv.prepare(torch.float32))"
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}

    def start() -> subprocess.Popen[str]:
        return subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True)

    for process in [start(), start()]:
        assert process.communicate(timeout=120)[0].startswith("numba float32x")
    kept = sorted(tmp_path.rglob("*.nbc"))
    kept[0].write_bytes(kept[0].read_bytes()[:100])
    assert start().communicate(timeout=120)[0].startswith("numba float32x")
    assert all(len(path.read_bytes()) > 100 for path in tmp_path.rglob("*.nbc"))
