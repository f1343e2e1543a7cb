"""Write docs/reference.md, the reference of the public names, from their docstrings: python studies/reference.py."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lrsearch

PAGE = Path(__file__).parent.parent / "docs" / "reference.md"

_HEAD = """\
# Reference

What `import lrsearch` offers, from its docstrings: this page is written by `python studies/reference.py`, and a test
holds it to the code. The commands have their own: `lrsearch COMMAND --help`.
"""
_SECTION = re.compile(r"^(Args|Attributes|Raises|Returns|Yields):$")
_ENTRY = re.compile(r"^    (\S.*?): (.*)$")


def reference() -> str:
    """Return the page."""
    names = sorted(lrsearch.__all__, key=str.lower)
    index = ", ".join(f"[{name}](#{name.lower()})" for name in names)
    return (
        "\n".join([_HEAD, index, *(line for name in names for line in _described(name, getattr(lrsearch, name)))])
        + "\n"
    )


def _described(name: str, value: Any) -> Iterator[str]:
    yield from ("", f"## {name}", "")
    yield from _signature(name, value)
    yield from _documented(value)
    if inspect.isclass(value):
        for member, kind in _members(value):
            yield from ("", f"### {name}.{member}", "")
            if not isinstance(kind, property):
                yield from _signature(member, getattr(value, member))
            yield from _documented(kind.fget if isinstance(kind, property) else getattr(value, member))


def _members(of: type) -> Iterator[tuple[str, Any]]:
    """Yield the public methods and properties that a class of ours defines or inherits from one of ours."""
    own = [base for base in of.__mro__ if base.__module__.startswith("lrsearch")]
    found = {member: kind for base in reversed(own) for member, kind in vars(base).items()}
    fields = {field.name for field in dataclasses.fields(of)} if dataclasses.is_dataclass(of) else set()
    for member, kind in found.items():
        if member in fields:  # a function that is the default of a field
            continue
        shown = inspect.isfunction(kind) or isinstance(kind, classmethod | staticmethod | property)
        if shown and not member.startswith("_") and inspect.getdoc(getattr(of, member)):
            yield member, kind


def _signature(name: str, value: Any) -> Iterator[str]:
    """Yield how a function, or a class that says how it is made, is called."""
    if inspect.isclass(value) and not (dataclasses.is_dataclass(value) or "__init__" in vars(value)):
        return
    signature = inspect.signature(value)
    parameters = list(_parameters(signature))
    returned = signature.return_annotation
    arrow = "" if returned is inspect.Signature.empty or inspect.isclass(value) else f" -> {returned}"
    one_line = f"{name}({', '.join(parameters)}){arrow}"
    lines = [one_line] if len(one_line) <= 100 else [f"{name}(", *(f"    {p}," for p in parameters), f"){arrow}"]
    yield from ("```text", *lines, "```", "")


def _parameters(signature: inspect.Signature) -> Iterator[str]:
    """Yield the parameters as they are written, with the star before the first that is given by name alone."""
    starred = False
    for parameter in signature.parameters.values():
        if parameter.name in ("self", "cls"):
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and not starred:
            starred = True
            yield "*"
        default = parameter.default
        shown = (
            f"{parameter.name}"
            if parameter.annotation is parameter.empty
            else f"{parameter.name}: {parameter.annotation}"
        )
        # A function or a whole object as a default is named by its docstring.
        said = repr(default) if isinstance(default, str | int | float | tuple | None) else "..."
        yield shown if default is parameter.empty else f"{shown} = {said}"


def _documented(value: Any) -> Iterator[str]:
    """Yield a docstring as Markdown: its sections as lists, its examples as they are."""
    lines, example = (inspect.getdoc(value) or "").splitlines(), False
    for line in lines:
        if line.startswith(">>>") and not example:
            example = True
            yield "```text"
        elif example and not line.strip():
            example = False
            yield "```"
        if example:
            yield line
        elif section := _SECTION.match(line):
            yield from (f"{section[1]}:", "")
        elif entry := _ENTRY.match(line):
            yield f"- `{entry[1]}`: {entry[2]}"
        else:
            yield f"  {line.strip()}" if line.startswith("      ") else line.strip()
    if example:
        yield "```"


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
    print(f"{PAGE} is written")
