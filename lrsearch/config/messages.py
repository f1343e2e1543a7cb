"""What is wrong with plain data that a person wrote, in one line: which key, in which table, and what was meant."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from lrsearch.text import did_you_mean, plain

_VALUES = ("bool", "int", "float", "str", "literal['all']")
"""What pydantic calls the alternatives of a union in a location; those with rules of their own end with a bracket."""


def shortened(value: object) -> str:
    """Return a value as an error shows it: quoted, and no longer than a line."""
    return _SHORT.repr(value)


_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 120


_RULES = {
    "missing": "be given",
    "string_type": "be text",
    "string_too_short": "not be empty",
    "string_too_long": "have at most {max_length} characters",
    "string_pattern_mismatch": "be written {pattern}",
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float", "int_parsing_size"), "be an integer"),
    **dict.fromkeys(("float_type", "float_parsing"), "be a number"),
    "finite_number": "be a finite number",
    **dict.fromkeys(("bool_type", "bool_parsing"), "be true or false"),
    "literal_error": "be {expected}",
    "greater_than": "be above {gt:g}",
    "greater_than_equal": "be at least {ge:g}",
    "less_than": "be below {lt:g}",
    "less_than_equal": "be at most {le:g}",
    **dict.fromkeys(("list_type", "tuple_type"), "be a list"),
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), "be a table"),
    "too_short": "hold at least {min_length}",
    "too_long": "hold at most {max_length}",
}
"""What a value must, by the type of pydantic's error."""
_RULES_OF_PYTHON = {
    "bool_type": "be True or False",
    "callable_type": "be a function",
    **dict.fromkeys(("mapping_type", "dict_type", "Mapping"), "be a dictionary"),
    **dict.fromkeys(("sequence_str", "Sequence"), "be a list"),
}
"""The same where an argument of Python is meant, and not a file; for an instance, by its class."""


def requirement(problems: Iterable[ErrorDetails], *, of_python: bool = False) -> str:
    """Return what a value must, from the problems that pydantic has with it: those of the alternatives of a union."""
    words = _RULES | _RULES_OF_PYTHON if of_python else _RULES
    rules = list(dict.fromkeys(_rule(problem, words) for problem in problems))
    if "be a number" in rules:
        rules = [rule for rule in rules if rule != "be an integer"]
    *others, last = [rules[0], *(rule.removeprefix("be ") for rule in rules[1:])]
    return f"must {', '.join(others)} or {last}" if others else f"must {last}"


def _rule(problem: ErrorDetails, rules: Mapping[str, str]) -> str:
    context = problem.get("ctx", {})
    if problem["type"] == "is_instance_of":
        name = context["class"]
        return rules.get(name, f"be {'an' if name[0] in 'AEIOU' else 'a'} {name}")
    other = f"be {problem['msg'].removeprefix('Input should be ')}"
    return rules.get(problem["type"], other).format_map(context)


def explain(error: ValidationError, document: type[BaseModel]) -> str:
    """Say the first thing that is wrong with the data of a document in one line."""
    # Where a value or a table may stand, a table that is wrong was not meant for a value.
    every = error.errors()
    problems = [p for p in every if not (isinstance(p["input"], dict) and {*p["loc"][-1:]} & {*_VALUES})] or every
    # An unknown key goes first: what was meant by it is lacking too.
    problem = next((p for p in problems if p["type"] == "extra_forbidden"), problems[0])
    location = _place(problem)
    table, key = tuple(p for p in location[:-1] if isinstance(p, str)), str(location[-1]) if location else ""
    where = f" in [{'.'.join(table)}]" if table else ""
    if problem["type"] == "extra_forbidden":
        return f"unknown key {shortened(key)}{where}{did_you_mean(key, _table_at(table, document).model_fields)}"
    if problem["type"] in _RULES:
        message = requirement(p for p in problems if p["input"] is problem["input"] and _place(p) == location)
    else:
        message = problem["msg"].removeprefix("Value error, ")
        message = message[0].lower() + message[1:]
    given = f", got {shortened(problem['input'])}" if problem["type"] != "missing" and "got" not in message else ""
    if not location:
        return message
    name = plain(".".join(map(str, location)))
    return f"{name if len(name) <= _SHORT.maxstring else shortened(name)}: {message}{given}"


def _table_at(path: Sequence[str], document: type[BaseModel]) -> type[BaseModel]:
    """Return the model of the table at a path of keys, each of a field or of a dictionary."""
    if not path:
        return document
    field, *inner = path
    annotation = document.model_fields[field].annotation
    model = next(kind for kind in types_in(annotation) if isinstance(kind, type) and issubclass(kind, BaseModel))
    return _table_at(inner[get_origin(annotation) is dict :], model)


def types_in(annotation: Any) -> set[Any]:
    """Return the types in an annotation: of a dictionary those of its values, and text for texts to choose from."""
    if get_origin(annotation) is Annotated:
        return types_in(get_args(annotation)[0])
    if get_origin(annotation) is Literal:
        return {type(value) for value in get_args(annotation)}
    inner = get_args(annotation)
    inner = inner[1:] if get_origin(annotation) is dict else inner
    return set().union(*map(types_in, inner)) if inner else {annotation}


def _place(problem: ErrorDetails) -> list[int | str]:
    """Return the keys and places in lists that lead to a problem."""
    return [part for part in problem["loc"] if part not in _VALUES and not str(part).endswith("]")]
