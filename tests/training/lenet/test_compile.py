import shutil

import pytest
import torch

from lrsearch.errors import InputError
from lrsearch.training.lenet import blocked_conv, fusable
from lrsearch.training.lenet.compile import compiled, worth_compiling
from lrsearch.training.lenet.lenet_stack import LenetStack


def test_fusable_pool_gradient_is_the_plain_one():
    """Both forms of the pooling gradient agree to the bit, ties and dead units included."""
    rng = torch.Generator().manual_seed(0)
    z = torch.randint(-2, 3, (2, 4 * 3, 40), generator=rng).float()
    bias, gradient = torch.randn(2, 3, generator=rng), torch.randn(2, 3, 40, generator=rng)
    expected = blocked_conv.pool_gradient(gradient, blocked_conv.pool(z.clone(), bias))
    actual = fusable.pool_gradient(gradient, blocked_conv.pool(z.clone(), bias))
    assert torch.equal(expected[0], actual[0])
    assert torch.equal(expected[1], actual[1])


def test_fusable_unpatch_is_the_plain_one():
    """Both forms of the patches' gradient agree to the bit."""
    gradient = torch.randn(2, 6 * 36, 25 * 8, generator=torch.Generator().manual_seed(0))
    assert torch.equal(blocked_conv.unpatch(gradient, 8), fusable.unpatch(gradient, 8))


@pytest.mark.parametrize(
    ("device", "lane_epochs", "expected"), [("cpu", 10, False), ("cpu", 3000, True), ("cuda", 3000, False)]
)
def test_compilation_is_for_long_runs_on_the_cpu(device, lane_epochs, expected, monkeypatch):
    """A short run is never compiled, a long one is, and no device on which nothing was measured is."""
    monkeypatch.setattr(shutil, "which", lambda name: name)
    assert worth_compiling(device, lane_epochs, 390) is expected


def test_no_compilation_without_a_compiler(monkeypatch):
    """A machine without a C++ compiler trains uncompiled."""
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert not worth_compiling("cpu", 1e9, 390)


def test_other_models_are_refused_by_name():
    """What cannot be compiled is named in the error."""

    class OtherStack:
        pass

    with pytest.raises(InputError, match="OtherStack"):
        compiled(OtherStack(), "cpu")


def test_on_a_gpu_nothing_is_left_to_compile():
    """The kernels are compiled in any case, so a model for a GPU stays what it is."""
    stack = LenetStack()
    assert compiled(stack, "cuda") is stack


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # inductor's own
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
def test_the_compiled_step_computes_the_same(dtype, tolerance):
    """Losses and gradients under torch.compile are those without, on shared and on own batches."""
    if shutil.which("g++") is None:
        pytest.skip("no C++ compiler")
    stack = LenetStack(dtype)
    fast = compiled(stack, "cpu")
    params = torch.stack([stack.init(seed) for seed in range(3)])
    rng = torch.Generator().manual_seed(0)
    for batches in (1, 3):
        x = torch.randint(0, 256, (batches, 16, 1, 28, 28), dtype=torch.uint8, generator=rng)
        x[:, :, :, :9] = 0
        y = torch.randint(0, 10, (batches, 16), generator=rng)
        expected, actual = stack.loss_and_grad(params, x, y), fast.loss_and_grad(params, x, y)
        torch.testing.assert_close(expected[0], actual[0], rtol=tolerance, atol=0)
        assert (expected[1] - actual[1]).norm() < tolerance * expected[1].norm()
