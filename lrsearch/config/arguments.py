"""Arguments of the public functions: one of another type is refused in one line, before anything is done."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, reduce, wraps
from inspect import signature
from operator import or_
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, ParamSpec, TypeVar, Union, get_args, get_origin, get_type_hints

from numpy.typing import ArrayLike
from pydantic import InstanceOf, TypeAdapter, ValidationError

from lrsearch.config.files import check_plain
from lrsearch.config.messages import requirement, shortened
from lrsearch.errors import InputError

P = ParamSpec("P")
R = TypeVar("R")

_ARRAYS = (ArrayLike, Union[ArrayLike, None])  # noqa: UP007  (ArrayLike is no class)
_PLAIN = (int, float, str, bool, NoneType)


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """Let a function refuse arguments that are not of the types of its annotations, or fail `check_plain`.

    Nothing is converted ("5" is no integer) but numbers and arrays of NumPy and pandas, which become Python's. What is
    annotated as an array (`ArrayLike`) or not at all is left to the function. A missing or an unknown argument is the
    TypeError that it always was.
    """
    parameters = signature(function)

    @cache
    def adapters() -> dict[str, TypeAdapter[Any]]:
        hints = get_type_hints(function, include_extras=True)
        wanted = {name: hint for name, hint in hints.items() if name != "return" and hint not in _ARRAYS}
        return {name: TypeAdapter(_instances(hint)) for name, hint in wanted.items()}

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        bound = parameters.bind(*args, **kwargs)
        for name, adapter in adapters().items():
            if name in bound.arguments:
                value = bound.arguments[name]
                bound.arguments[name] = _checked(name, value.tolist() if hasattr(value, "tolist") else value, adapter)
        return function(*bound.args, **bound.kwargs)

    return call


def _instances(hint: Any) -> Any:
    """Return an annotation that asks for instances of classes, where pydantic would look into them or convert."""
    if get_origin(hint) in (Union, UnionType):
        return reduce(or_, map(_instances, get_args(hint)))
    is_class = isinstance(hint, type) and get_origin(hint) is None and hint not in _PLAIN
    return InstanceOf[hint] if is_class else hint  # type: ignore[misc]  # pydantic names no type


def _checked(name: str, value: Any, adapter: TypeAdapter[Any]) -> Any:
    try:
        adapter.validate_python(value, strict=True)
    except ValidationError as error:
        first, *_ = problems = error.errors()
        # Several problems of one value are the alternatives of a union, each of which was not met.
        place = [part for part in first["loc"] if isinstance(part, int)]
        rule = requirement((p for p in problems if p["input"] is first["input"]), of_python=True)
        where = name + "".join(f"[{index}]" for index in place)
        raise InputError(f"{where} {rule}, got {shortened(first['input'])}") from error
    check_plain(str(value) if isinstance(value, Path) else value, name)
    return value
