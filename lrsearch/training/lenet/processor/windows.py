"""Vectors that go through pooling windows of four places: the four at once, the largest of them, and the patch of each.

Place is 0 to 3 in the order (0, 0), (0, 1), (1, 0), (1, 1), or 4 where ReLU is shut.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from lrsearch.training.lenet.processor.vectors import Vec, VectorArray, multiply_add, split, steps


def _corners(builder: Any, start: Any, column: Any, row: Any) -> list[Any]:
    """Return the four places of a pooling window."""
    below = builder.add(start, row)
    return [start, builder.add(start, column), below, builder.add(below, column)]


@intrinsic(prefer_literal=True)
def load_window(typing, a, start, column, row, W):
    """Return the four vectors of a pooling window whose columns and rows lie so far apart."""
    result = types.UniTuple(Vec(a.dtype, W.literal_value), 4)

    def code(context, builder, signature, arguments):
        array, vec = VectorArray(context, builder, a, arguments[0]), context.get_value_type(result.dtype)
        return cgutils.pack_array(builder, [array.load(at, vec) for at in _corners(builder, *arguments[1:4])])

    return result(a, types.int64, types.int64, types.int64, W), code


@intrinsic
def pool(typing, total, bias, output, place, start, stride):
    """Write relu(max of four sums + bias) for each output, and which of the four it was; 4 where ReLU is shut.

    The first of equal sums wins, and NaN wins over every number, as in PyTorch; NaN passes through ReLU.
    """

    def code(context, builder, signature, arguments):
        vec = context.get_value_type(total.dtype)
        codes = ir.VectorType(ir.IntType(8), total.dtype.width)
        numbers = [ir.Constant(codes, [k] * total.dtype.width) for k in range(5)]
        outputs, places = (
            VectorArray(context, builder, k, v) for k, v in zip((output, place), arguments[2:4], strict=True)
        )
        four, biases = split(builder, arguments[0], total), split(builder, arguments[1], bias)
        zero = ir.Constant(vec, None)
        for i, at in enumerate(steps(builder, arguments[4], arguments[5], len(bias))):
            best, chosen = four[4 * i], numbers[0]
            for k in range(1, 4):
                other = four[4 * i + k]
                larger = builder.or_(
                    builder.fcmp_ordered(">", other, best), builder.fcmp_unordered("uno", other, other)
                )
                best, chosen = builder.select(larger, other, best), builder.select(larger, numbers[k], chosen)
            best = builder.fadd(best, biases[i])
            shut = builder.fcmp_ordered("<=", best, zero)
            outputs.store(at, builder.select(shut, zero, best))
            places.store(at, builder.select(shut, numbers[4], chosen))
        return context.get_dummy_value()

    return types.void(total, bias, output, place, types.int64, types.int64), code


@intrinsic
def correlated(typing, total, x, start, column, row, gradient, place, at):
    """Return total + g * patch, the patch by rows of five; the last vector of total sums g itself.

    g is the gradient at `at`, 0 where ReLU is shut. Its place says at which pixel of the window the patch of x begins;
    that of the first pixel begins at `start`. Neighbours of a row lie `column` apart, those of a column `row`.
    """

    def code(context, builder, signature, arguments):
        vec, kind = context.get_value_type(total.dtype), total.dtype
        codes = ir.VectorType(ir.IntType(8), kind.width)
        array, given, chosen = (
            VectorArray(context, builder, k, arguments[n]) for n, k in ((1, x), (5, gradient), (6, place))
        )
        number = chosen.load(arguments[7], codes)
        right, lower, shut = (
            builder.icmp_unsigned(
                "!=", builder.and_(number, ir.Constant(codes, [bit] * kind.width)), ir.Constant(codes, None)
            )
            for bit in (1, 2, 4)
        )
        g = builder.select(shut, ir.Constant(vec, None), given.load(arguments[7], vec))
        *products, sum_of_g = split(builder, arguments[0], total)
        rows = []
        for first in steps(builder, arguments[2], arguments[4], len(products) // 5 + 1):
            pixels = [array.load(one, vec) for one in steps(builder, first, arguments[3], 6)]
            rows.append([builder.select(right, pixels[k + 1], pixels[k]) for k in range(5)])
        fused = multiply_add(builder, vec, kind)
        for k, before in enumerate(products):  # one after another, or there are more vectors at once than registers
            pixel = builder.select(lower, rows[k // 5 + 1][k % 5], rows[k // 5][k % 5])
            products[k] = builder.call(fused, [g, pixel, before])
        return cgutils.pack_array(builder, [*products, builder.fadd(sum_of_g, g)])

    return total(total, x, types.int64, types.int64, types.int64, gradient, place, types.int64), code
