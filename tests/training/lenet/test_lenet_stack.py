import gzip
import platform
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from lrsearch.training.lenet.lenet_stack import LenetStack, columns, step
from lrsearch.workloads.fashion_lenet import lenet, normalise
from tests.training.lenet.examples import lanes_of, module_loss_and_grad, random_images, relative_error


def real_images(folder: Path, batches: int, batch_size: int) -> tuple[Tensor, Tensor]:
    images, labels = folder / "t10k-images-idx3-ubyte.gz", folder / "t10k-labels-idx1-ubyte.gz"
    count = batches * batch_size
    x = np.frombuffer(gzip.decompress(images.read_bytes()), np.uint8, offset=16)[: count * 784].copy()
    y = np.frombuffer(gzip.decompress(labels.read_bytes()), np.uint8, offset=8)[:count].astype(np.int64)
    return torch.from_numpy(x).view(batches, batch_size, 1, 28, 28), torch.from_numpy(y).view(batches, batch_size)


@pytest.mark.parametrize("seed", [0, 7])
def test_initial_parameters_are_those_of_the_module(seed):
    """The row is nn.Sequential built under the seed, parameter by parameter; the global generator is left alone."""
    before = torch.get_rng_state()
    actual = LenetStack().init(seed)
    assert torch.equal(before, torch.get_rng_state())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        expected = nn.utils.parameters_to_vector(lenet().parameters())
    assert torch.equal(expected, actual)
    assert (LenetStack.size,) == actual.shape


@pytest.mark.parametrize("images", ["random", "real"])
@pytest.mark.parametrize("shared", [True, False], ids=["shared", "own"])
@pytest.mark.parametrize("lanes", [1, 2, 7])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-5)])
def test_loss_and_every_gradient_equal_the_module(images, shared, lanes, dtype, tolerance, request):
    """Each lane's loss and each layer's gradient are those of autograd, on its own or a shared batch."""
    stack = LenetStack(dtype)
    params = lanes_of(stack, lanes)
    batches = 1 if shared else lanes
    x, y = random_images(batches, 64)
    if images == "real":
        x, y = real_images(request.getfixturevalue("real_data"), batches, 64)
    losses, gradients = stack.loss_and_grad(params, x, y)
    assert ((lanes,), (lanes, stack.trainable)) == (losses.shape, gradients.shape)
    for n in range(lanes):
        loss, gradient = module_loss_and_grad(params[n], x[n % len(x)], y[n % len(x)])
        assert loss.item() == pytest.approx(losses[n].item(), rel=tolerance)
        assert relative_error(gradient, gradients[n]) < tolerance


@pytest.mark.parametrize("batch_size", [1, 2, 7, 17, 64, 129])
def test_any_batch_size_equals_the_module(batch_size):
    """Small and odd batches, where matrix layouts degenerate, give the module's gradient too."""
    stack = LenetStack()
    x, y = random_images(1, batch_size)
    _, gradient = module_loss_and_grad(stack.init(1), x[0], y[0])
    assert relative_error(gradient, stack.loss_and_grad(lanes_of(stack, 2)[1:], x, y)[1][0]) < 1e-5


def test_floating_input_passes_untransformed():
    """Images given as floats are taken to be normalised already; integers of any size are pixels."""
    stack = LenetStack(torch.float64)
    x, y = random_images(1, 8)
    expected = stack.loss_and_grad(lanes_of(stack, 1), x, y)[1]
    for given in (normalise(x), x.to(torch.int64)):
        assert torch.equal(expected, stack.loss_and_grad(lanes_of(stack, 1), given, y)[1])
    wide = x.to(torch.int64) * 3 - 100
    expected = module_loss_and_grad(stack.init(0), wide[0], y[0])[1]
    assert relative_error(expected, stack.loss_and_grad(lanes_of(stack, 1), wide, y)[1][0]) < 1e-10


@pytest.mark.parametrize("shared", [True, False], ids=["shared", "own"])
def test_a_lane_is_bit_equal_in_any_stack(shared):
    """A lane alone and in stacks of 2, 4 and 7, at any position, on a shared or own batch: the same bits."""
    stack = LenetStack()
    x, y = random_images(1, 128)
    alone = stack.loss_and_grad(stack.init(99).unsqueeze(0), x, y)
    for lanes in (2, 4, 7):
        for position in {0, lanes // 2, lanes - 1}:
            params = lanes_of(stack, lanes)
            params[position] = stack.init(99)
            xs, ys = (x, y) if shared else random_images(lanes, 128, seed=5)
            if not shared:
                xs[position], ys[position] = x[0], y[0]
            loss, gradient = stack.loss_and_grad(params, xs, ys)
            assert torch.equal(alone[0][0], loss[position])
            assert torch.equal(alone[1][0], gradient[position])


@pytest.mark.parametrize("shared", [True, False], ids=["shared", "own"])
def test_all_lanes_in_one_operation_equal_lane_by_lane(shared):
    """The form that runs on a GPU, every operation over all lanes, computes what the CPU's loop over lanes computes."""
    stack = LenetStack(torch.float64)
    params = lanes_of(stack, 3)
    x, y = random_images(1 if shared else 3, 16)
    loss, gradient = stack.loss_and_grad(params, x, y)
    batched_loss, batched_gradient = step(params, columns(x, torch.float64), y)
    torch.testing.assert_close(loss, batched_loss, rtol=1e-12, atol=0)
    assert relative_error(gradient, batched_gradient) < 1e-12


def test_a_run_of_sgd_equals_the_module():
    """100 steps of SGD with momentum and weight decay at a stable rate end in the same parameters, to 1e-8."""
    stack = LenetStack(torch.float64)
    params = lanes_of(stack, 2)
    modules = [lenet().double() for _ in params]
    for module, row in zip(modules, params, strict=True):
        nn.utils.vector_to_parameters(row.clone(), module.parameters())
    optimizers = [torch.optim.SGD(m.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4) for m in modules]
    velocity = torch.zeros_like(params)
    for number in range(100):
        x, y = random_images(1, 16, seed=number % 8)
        _, gradient = stack.loss_and_grad(params, x, y)
        velocity = 0.9 * velocity + (gradient + 1e-4 * params)
        params = params - 0.01 * velocity
        for module, optimizer in zip(modules, optimizers, strict=True):
            optimizer.zero_grad()
            functional.cross_entropy(module(normalise(x[0]).double()), y[0]).backward()
            optimizer.step()
    expected = torch.stack([nn.utils.parameters_to_vector(m.parameters()).detach() for m in modules])
    assert relative_error(expected, params) < 1e-8


@pytest.mark.parametrize("count", [1, 256, 300])
def test_predictions_equal_the_module(count):
    """Logits [N, B, 10] of any number of images are the module's."""
    stack = LenetStack(torch.float64)
    params = lanes_of(stack, 2)
    x, _ = random_images(1, count)
    actual = stack.predict(params, x)
    assert (2, count, 10) == actual.shape
    for n in range(2):
        module = lenet().double()
        nn.utils.vector_to_parameters(params[n], module.parameters())
        with torch.no_grad():
            torch.testing.assert_close(module(normalise(x[0]).double()), actual[n], rtol=1e-10, atol=1e-12)


def test_a_diverged_lane_reports_it_and_leaves_its_neighbours_alone():
    """Infinite parameters give a loss that is not finite, in their own lane only."""
    stack = LenetStack()
    params = lanes_of(stack, 2)
    x, y = random_images(1, 16)
    healthy, _ = stack.loss_and_grad(params, x, y)
    params[0] = float("inf")
    loss, gradient = stack.loss_and_grad(params, x, y)
    assert not loss[0].isfinite()
    assert torch.equal(healthy[1], loss[1])
    assert gradient[1].isfinite().all()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the allocator of glibc is meant")
def test_a_step_reuses_its_memory():
    """Steps run in memory that the process has: few page faults (2,700 a lane if buffers were given back)."""
    import resource

    stack = LenetStack()
    params = lanes_of(stack, 2)
    x, y = random_images(2, 128)
    for _ in range(3):
        stack.loss_and_grad(params, x, y)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        stack.loss_and_grad(params, x, y)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before < 5 * 2 * 300
