"""What every file of this room needs of arrays: their types, read-only copies, and the pairs of K columns."""

from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lrsearch.errors import InputError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
AnyArray = TypeVar("AnyArray", bound=NDArray[Any])

_LARGEST, _SMALLEST = 1e60, 1e-60


class Interval(NamedTuple):
    """An estimate with its lower and upper limit, in the unit of the estimate."""

    estimate: float
    low: float
    high: float


def read_only(array: AnyArray) -> AnyArray:
    """Return a copy of `array` that refuses to be written to."""
    copy = array.copy()
    copy.setflags(write=False)
    return copy


def numbers(values: ArrayLike, name: str, *, axes: str) -> FloatArray:
    """Return `values` as float64 with the axes named in `axes`, such as "blocks, families".

    Raises:
        InputError: what is no array of numbers, another number of axes, or a value that is not finite or beyond 1e60.
    """
    array = _array(values, name, axes=axes)
    if not np.isfinite(array).all():
        raise InputError(f"{name} must hold finite numbers only, but {np.sum(~np.isfinite(array))} of them are not")
    return array


def one_axis(values: ArrayLike, name: str) -> FloatArray:
    """Return `values` as float64 [runs], of which some may be NaN or infinite.

    Raises:
        InputError: what is no array of numbers, another number of axes, a finite value beyond 1e60, or all below 1e-60
            (their variances would have no squares) and not 0.
    """
    array = _array(values, name, axes="runs")
    if 0 < (largest := _largest(array)) < _SMALLEST:
        raise InputError(f"{name} must not all be below {_SMALLEST:g}, got {largest:g}: give them in a smaller unit")
    return array


def _array(values: ArrayLike, name: str, *, axes: str) -> FloatArray:
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} must be an array of numbers with the axes [{axes}], got {values!r:.80}") from error
    if array.ndim != len(axes.split(",")):
        raise InputError(f"{name} must have the axes [{axes}], but its shape is {array.shape}")
    if (largest := _largest(array)) > _LARGEST:
        raise InputError(f"{name} must hold numbers up to {_LARGEST:g}, whose squares are numbers too, got {largest:g}")
    return array


def _largest(array: FloatArray) -> float:
    return float(np.abs(array[np.isfinite(array)]).max(initial=0.0))


def pairs_of(columns: int) -> tuple[IntArray, IntArray]:
    """Return the first and second column [pairs] of every pair i < j of `columns` columns."""
    first, second = np.triu_indices(columns, k=1)
    return first.astype(np.int64), second.astype(np.int64)
