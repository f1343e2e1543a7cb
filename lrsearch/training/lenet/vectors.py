"""Vectors of the processor's own width for Numba: a tuple of them is a set of registers.

Numba by itself keeps a loop's sums in memory. These functions are written out in LLVM's vector instructions where they
are called, in a fixed order and without fast-math, so that equal inputs give equal bits. `a` is a flat array; starts
and strides count its elements; counts and the width W must be constants of the closure that uses them, for Numba's
cache knows a kernel by its closure and not by anything global.
Source: Numba's manual, "Implementing intrinsics"; LLVM's language reference for vectors and llvm.fmuladd.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

_INT32, _INT64 = ir.IntType(32), ir.IntType(64)


@cache
def vector_bytes() -> int:
    """Return how many bytes this processor's vectors have: 64 with AVX-512, 32 with AVX2, else 16."""
    features = llvm.get_host_cpu_features()
    return 64 if features.get("avx512f") else 32 if features.get("avx2") else 16


class Vec(types.Type):
    """`width` numbers of the type `scalar` in one register."""

    def __init__(self, scalar: types.Type, width: int) -> None:
        self.scalar, self.width = scalar, width
        super().__init__(name=f"Vec({scalar}, {width})")


@register_model(Vec)
class _VecModel(models.PrimitiveModel):
    def __init__(self, manager: Any, vec: Vec) -> None:
        super().__init__(manager, vec, ir.VectorType(manager.lookup(vec.scalar).get_value_type(), vec.width))


class _Array:
    """An array in LLVM's code: vectors are read and written wherever they begin."""

    def __init__(self, context: Any, builder: Any, kind: types.Array, value: Any) -> None:
        self._builder, self._size = builder, kind.dtype.bitwidth // 8
        self._data = context.make_array(kind)(context, builder, value).data

    def scalar(self, index: Any) -> Any:
        return self._builder.load(self._builder.gep(self._data, [index]))

    def load(self, index: Any, vec: Any) -> Any:
        return self._builder.load(self._pointer(index, vec), align=self._size)

    def store(self, index: Any, value: Any) -> None:
        self._builder.store(value, self._pointer(index, value.type), align=self._size)

    def _pointer(self, index: Any, vec: Any) -> Any:
        return self._builder.bitcast(self._builder.gep(self._data, [index]), vec.as_pointer())


def _split(builder: Any, values: Any, kind: types.UniTuple) -> list[Any]:
    return [builder.extract_value(values, k) for k in range(len(kind))]


def _steps(builder: Any, start: Any, stride: Any, count: int) -> list[Any]:
    """Return start, start + stride, ..."""
    return [builder.add(start, builder.mul(stride, ir.Constant(_INT64, k))) for k in range(count)]


def _corners(builder: Any, start: Any, column: Any, row: Any) -> list[Any]:
    """Return the four places of a pooling window."""
    below = builder.add(start, row)
    return [start, builder.add(start, column), below, builder.add(below, column)]


def _filled(builder: Any, scalar: Any, width: int) -> Any:
    undefined = ir.Constant(ir.VectorType(scalar.type, width), ir.Undefined)
    first = builder.insert_element(undefined, scalar, ir.Constant(_INT32, 0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(_INT32, width), [0] * width))


def _multiply_add(builder: Any, vec: Any, kind: Vec) -> Any:
    """Return LLVM's function of a * b + c, in one rounding where the processor has that instruction."""
    name = f"llvm.fmuladd.v{kind.width}f{kind.scalar.bitwidth}"
    return cgutils.get_or_insert_function(builder.module, ir.FunctionType(vec, [vec] * 3), name)


@intrinsic(prefer_literal=True)
def zeros(typing, a, count, W):
    """Return `count` vectors of zeros, of the type of `a`."""
    result = types.UniTuple(Vec(a.dtype, W.literal_value), count.literal_value)

    def code(context, builder, signature, arguments):
        return ir.Constant(context.get_value_type(result), None)

    return result(a, count, W), code


@intrinsic(prefer_literal=True)
def load(typing, a, start, stride, count, W):
    """Return the vectors that begin at start, start + stride, ..."""
    result = types.UniTuple(Vec(a.dtype, W.literal_value), count.literal_value)

    def code(context, builder, signature, arguments):
        array, vec = _Array(context, builder, a, arguments[0]), context.get_value_type(result.dtype)
        places = _steps(builder, arguments[1], arguments[2], len(result))
        return cgutils.pack_array(builder, [array.load(at, vec) for at in places])

    return result(a, types.int64, types.int64, count, W), code


@intrinsic(prefer_literal=True)
def load_window(typing, a, start, column, row, W):
    """Return the four vectors of a pooling window whose columns and rows lie so far apart."""
    result = types.UniTuple(Vec(a.dtype, W.literal_value), 4)

    def code(context, builder, signature, arguments):
        array, vec = _Array(context, builder, a, arguments[0]), context.get_value_type(result.dtype)
        return cgutils.pack_array(builder, [array.load(at, vec) for at in _corners(builder, *arguments[1:4])])

    return result(a, types.int64, types.int64, types.int64, W), code


@intrinsic(prefer_literal=True)
def spread(typing, a, start, stride, count, W):
    """Return `count` vectors, each filled with one number: a[start], a[start + stride], ..."""
    result = types.UniTuple(Vec(a.dtype, W.literal_value), count.literal_value)

    def code(context, builder, signature, arguments):
        array, width = _Array(context, builder, a, arguments[0]), result.dtype.width
        places = _steps(builder, arguments[1], arguments[2], len(result))
        return cgutils.pack_array(builder, [_filled(builder, array.scalar(at), width) for at in places])

    return result(a, types.int64, types.int64, count, W), code


@intrinsic(prefer_literal=True)
def store(typing, a, start, stride, group, values):
    """Write vectors, `group` of them side by side from start on, as many from start + stride on, ..."""
    together = group.literal_value

    def code(context, builder, signature, arguments):
        array, parts = _Array(context, builder, a, arguments[0]), _split(builder, arguments[4], values)
        places = _steps(builder, arguments[1], arguments[2], len(parts) // together)
        for k, part in enumerate(parts):
            beside = ir.Constant(_INT64, k % together * values.dtype.width)
            array.store(builder.add(places[k // together], beside), part)
        return context.get_dummy_value()

    return types.void(a, types.int64, types.int64, group, values), code


@intrinsic
def outer(typing, total, left, right):
    """Return total[i, j] + left[i] * right[j], row by row."""

    def code(context, builder, signature, arguments):
        vec, kind = context.get_value_type(total.dtype), total.dtype
        fused = _multiply_add(builder, vec, kind)
        before, p, q = (_split(builder, *pair) for pair in zip(arguments, (total, left, right), strict=True))
        pairs = [(x, y) for x in p for y in q]
        return cgutils.pack_array(
            builder, [builder.call(fused, [x, y, z]) for (x, y), z in zip(pairs, before, strict=True)]
        )

    return total(total, left, right), code


@intrinsic
def add(typing, left, right):
    """Return left[i] + right[i]."""

    def code(context, builder, signature, arguments):
        pairs = zip(_split(builder, arguments[0], left), _split(builder, arguments[1], right), strict=True)
        return cgutils.pack_array(builder, [builder.fadd(x, y) for x, y in pairs])

    return left(left, right), code


@intrinsic
def sums(typing, values):
    """Return the sum of the numbers in each vector: halves are added until one number is left."""
    result = types.UniTuple(values.dtype.scalar, len(values))

    def total(builder, part):
        width = values.dtype.width
        while width > 1:
            width //= 2
            halves = [
                builder.shuffle_vector(
                    part, part, ir.Constant(ir.VectorType(_INT32, width), list(range(first, first + width)))
                )
                for first in (0, width)
            ]
            part = builder.fadd(*halves)
        return builder.extract_element(part, ir.Constant(_INT32, 0))

    def code(context, builder, signature, arguments):
        return cgutils.pack_array(builder, [total(builder, p) for p in _split(builder, arguments[0], values)])

    return result(values), code


@intrinsic
def pool(typing, total, bias, output, place, start, stride):
    """Write relu(max of four sums + bias) for each output, and which of the four it was; 4 where ReLU is shut.

    The first of equal sums wins, and NaN wins over every number, as in PyTorch; NaN passes through ReLU.
    """

    def code(context, builder, signature, arguments):
        vec = context.get_value_type(total.dtype)
        codes = ir.VectorType(ir.IntType(8), total.dtype.width)
        numbers = [ir.Constant(codes, [k] * total.dtype.width) for k in range(5)]
        outputs, places = (_Array(context, builder, k, v) for k, v in zip((output, place), arguments[2:4], strict=True))
        four, biases = _split(builder, arguments[0], total), _split(builder, arguments[1], bias)
        zero = ir.Constant(vec, None)
        for i, at in enumerate(_steps(builder, arguments[4], arguments[5], len(bias))):
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


@intrinsic(prefer_literal=True)
def routed(typing, gradient, place, start, stride, count, number, W):
    """Return the vectors of a gradient at start, start + stride, ..., with 0 where its place is another number."""
    result = types.UniTuple(Vec(gradient.dtype, W.literal_value), count.literal_value)

    def code(context, builder, signature, arguments):
        vec, width = context.get_value_type(result.dtype), result.dtype.width
        codes = ir.VectorType(ir.IntType(8), width)
        given, chosen = (_Array(context, builder, k, v) for k, v in zip((gradient, place), arguments[:2], strict=True))
        asked = _filled(builder, builder.trunc(arguments[5], codes.element), width)
        zero = ir.Constant(vec, None)
        return cgutils.pack_array(
            builder,
            [
                builder.select(builder.icmp_unsigned("==", chosen.load(at, codes), asked), given.load(at, vec), zero)
                for at in _steps(builder, arguments[2], arguments[3], len(result))
            ],
        )

    return result(gradient, place, types.int64, types.int64, count, types.int64, W), code


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
            _Array(context, builder, k, arguments[n]) for n, k in ((1, x), (5, gradient), (6, place))
        )
        number = chosen.load(arguments[7], codes)
        right, lower, shut = (
            builder.icmp_unsigned(
                "!=", builder.and_(number, ir.Constant(codes, [bit] * kind.width)), ir.Constant(codes, None)
            )
            for bit in (1, 2, 4)
        )
        g = builder.select(shut, ir.Constant(vec, None), given.load(arguments[7], vec))
        *products, sum_of_g = _split(builder, arguments[0], total)
        rows = []
        for first in _steps(builder, arguments[2], arguments[4], len(products) // 5 + 1):
            pixels = [array.load(one, vec) for one in _steps(builder, first, arguments[3], 6)]
            rows.append([builder.select(right, pixels[k + 1], pixels[k]) for k in range(5)])
        fused = _multiply_add(builder, vec, kind)
        for k, before in enumerate(products):  # one after another, or there are more vectors at once than registers
            pixel = builder.select(lower, rows[k // 5 + 1][k % 5], rows[k // 5][k % 5])
            products[k] = builder.call(fused, [g, pixel, before])
        return cgutils.pack_array(builder, [*products, builder.fadd(sum_of_g, g)])

    return total(total, x, types.int64, types.int64, types.int64, gradient, place, types.int64), code
