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

INT32, INT64 = ir.IntType(32), ir.IntType(64)


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


class VectorArray:
    """An array in LLVM's code: vectors are read and written wherever they begin.

    Args:
        context: Numba's, of the function that is compiled.
        builder: LLVM's, which writes the code.
        kind: Numba's type of the array.
        value: the array in the code.
    """

    def __init__(self, context: Any, builder: Any, kind: types.Array, value: Any) -> None:
        self._builder, self._size = builder, kind.dtype.bitwidth // 8
        self._data = context.make_array(kind)(context, builder, value).data

    def scalar(self, index: Any) -> Any:
        """Return the number at an index."""
        return self._builder.load(self._builder.gep(self._data, [index]))

    def load(self, index: Any, vec: Any) -> Any:
        """Return the vector of the type `vec` that begins at an index."""
        return self._builder.load(self._pointer(index, vec), align=self._size)

    def store(self, index: Any, value: Any) -> None:
        """Write a vector that begins at an index."""
        self._builder.store(value, self._pointer(index, value.type), align=self._size)

    def _pointer(self, index: Any, vec: Any) -> Any:
        return self._builder.bitcast(self._builder.gep(self._data, [index]), vec.as_pointer())


def split(builder: Any, values: Any, kind: types.UniTuple) -> list[Any]:
    """Return the vectors of a tuple."""
    return [builder.extract_value(values, k) for k in range(len(kind))]


def steps(builder: Any, start: Any, stride: Any, count: int) -> list[Any]:
    """Return start, start + stride, ..."""
    return [builder.add(start, builder.mul(stride, ir.Constant(INT64, k))) for k in range(count)]


def _grouped(builder: Any, start: Any, stride: Any, group: int, count: int, width: int) -> list[Any]:
    """Return where vectors begin: a group of them side by side, the next group a stride behind, ..."""
    firsts = steps(builder, start, stride, -(-count // group))
    return [builder.add(firsts[k // group], ir.Constant(INT64, k % group * width)) for k in range(count)]


def filled(builder: Any, scalar: Any, width: int) -> Any:
    """Return a vector of one number, `width` times."""
    undefined = ir.Constant(ir.VectorType(scalar.type, width), ir.Undefined)
    first = builder.insert_element(undefined, scalar, ir.Constant(INT32, 0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(INT32, width), [0] * width))


def multiply_add(builder: Any, vec: Any, kind: Vec) -> Any:
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
def load(typing, a, start, stride, group, count, W):
    """Return `count` vectors, `group` of them side by side from start on, as many from start + stride on, ..."""
    result = types.UniTuple(Vec(a.dtype, W.literal_value), count.literal_value)
    together = group.literal_value

    def code(context, builder, signature, arguments):
        array, vec = VectorArray(context, builder, a, arguments[0]), context.get_value_type(result.dtype)
        places = _grouped(builder, arguments[1], arguments[2], together, len(result), result.dtype.width)
        return cgutils.pack_array(builder, [array.load(at, vec) for at in places])

    return result(a, types.int64, types.int64, group, count, W), code


@intrinsic(prefer_literal=True)
def spread(typing, a, start, stride, count, W):
    """Return `count` vectors, each filled with one number: a[start], a[start + stride], ..."""
    result = types.UniTuple(Vec(a.dtype, W.literal_value), count.literal_value)

    def code(context, builder, signature, arguments):
        array, width = VectorArray(context, builder, a, arguments[0]), result.dtype.width
        places = steps(builder, arguments[1], arguments[2], len(result))
        return cgutils.pack_array(builder, [filled(builder, array.scalar(at), width) for at in places])

    return result(a, types.int64, types.int64, count, W), code


@intrinsic(prefer_literal=True)
def store(typing, a, start, stride, group, values):
    """Write vectors, `group` of them side by side from start on, as many from start + stride on, ..."""
    together = group.literal_value

    def code(context, builder, signature, arguments):
        array, parts = VectorArray(context, builder, a, arguments[0]), split(builder, arguments[4], values)
        places = _grouped(builder, arguments[1], arguments[2], together, len(parts), values.dtype.width)
        for at, part in zip(places, parts, strict=True):
            array.store(at, part)
        return context.get_dummy_value()

    return types.void(a, types.int64, types.int64, group, values), code


@intrinsic
def outer(typing, total, left, right):
    """Return total[i, j] + left[i] * right[j], row by row."""

    def code(context, builder, signature, arguments):
        vec, kind = context.get_value_type(total.dtype), total.dtype
        fused = multiply_add(builder, vec, kind)
        before, p, q = (split(builder, *pair) for pair in zip(arguments, (total, left, right), strict=True))
        pairs = [(x, y) for x in p for y in q]
        return cgutils.pack_array(
            builder, [builder.call(fused, [x, y, z]) for (x, y), z in zip(pairs, before, strict=True)]
        )

    return total(total, left, right), code


@intrinsic
def add(typing, left, right):
    """Return left[i] + right[i]."""

    def code(context, builder, signature, arguments):
        pairs = zip(split(builder, arguments[0], left), split(builder, arguments[1], right), strict=True)
        return cgutils.pack_array(builder, [builder.fadd(x, y) for x, y in pairs])

    return left(left, right), code


@intrinsic
def rectified(typing, values):
    """Return the larger of values[i] and 0; NaN stays NaN."""

    def code(context, builder, signature, arguments):
        return _where_positive(context, builder, values, arguments[0], values, arguments[0])

    return values(values), code


@intrinsic
def opened(typing, values, inputs):
    """Return values[i], and 0 where inputs[i], that came out of ReLU, is not above 0."""

    def code(context, builder, signature, arguments):
        return _where_positive(context, builder, inputs, arguments[1], values, arguments[0])

    return values(values, inputs), code


def _where_positive(context: Any, builder: Any, condition: Any, asked: Any, kind: Any, values: Any) -> Any:
    """Return the values of vectors where others are above 0 or NaN, else 0."""
    zero = ir.Constant(context.get_value_type(kind.dtype), None)
    pairs = zip(split(builder, asked, condition), split(builder, values, kind), strict=True)
    return cgutils.pack_array(builder, [builder.select(builder.fcmp_ordered("<=", x, zero), zero, y) for x, y in pairs])


@intrinsic
def transposed(typing, values):
    """Return as many vectors as one has numbers, rows and columns exchanged: by halves, quarters, ..."""

    def code(context, builder, signature, arguments):
        rows, width = split(builder, arguments[0], values), len(values)
        distance = width // 2
        while distance:
            stays = [column & distance == 0 for column in range(width)]
            upper = [column if stays[column] else width + column - distance for column in range(width)]
            lower = [column + distance if stays[column] else width + column for column in range(width)]
            for row in (row for row in range(width) if row & distance == 0):
                pair = rows[row], rows[row + distance]
                for place, chosen in ((row, upper), (row + distance, lower)):
                    rows[place] = builder.shuffle_vector(*pair, ir.Constant(ir.VectorType(INT32, width), chosen))
            distance //= 2
        return cgutils.pack_array(builder, rows)

    return values(values), code


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
                    part, part, ir.Constant(ir.VectorType(INT32, width), list(range(first, first + width)))
                )
                for first in (0, width)
            ]
            part = builder.fadd(*halves)
        return builder.extract_element(part, ir.Constant(INT32, 0))

    def code(context, builder, signature, arguments):
        return cgutils.pack_array(builder, [total(builder, p) for p in split(builder, arguments[0], values)])

    return result(values), code
