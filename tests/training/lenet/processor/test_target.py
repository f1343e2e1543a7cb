"""For what loops are compiled."""

from __future__ import annotations

import pytest

from lrsearch.training.lenet.processor.target import Target


@pytest.mark.parametrize("cache", [False, True])
def test_a_loop_is_compiled_without_rounding_otherwise(cache):
    """It lets go of the interpreter, divides as NumPy, and changes no order of sums."""
    loop = Target(16, 4, large=False, cache=cache).compiled(lambda x: 1.0 / x)
    assert (True, "numpy") == (loop.targetoptions["nogil"], loop.targetoptions["error_model"])
    assert "fastmath" not in loop.targetoptions
    assert loop.py_func(2.0) == 0.5
