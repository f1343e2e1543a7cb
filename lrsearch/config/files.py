"""Files of a person: read within limits, written whole or not at all, any failure an InputError of one line."""

from __future__ import annotations

import json
import os
import shutil
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias

import yaml

from lrsearch.errors import InputError

MOST_BYTES = 2**20
"""The limit for a study file; real ones have a few thousand bytes."""

Kind: TypeAlias = Literal["toml", "json", "yaml"]

_MOST_LEVELS = 50
MOST_YAML_VALUES = 10_000
"""The limit for a YAML file, whose parser is the slowest."""
_YAML_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""PyYAML's loader of plain data in C, twenty times as fast, where it was built with it."""

_UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, RecursionError, yaml.YAMLError)
"""What the parsers raise: besides their own errors, those of malformed numbers and of nesting that is too deep."""


def check_plain(data: Any, source: str) -> None:
    """Raise InputError, beginning with `source`, for values on which validation itself would fail.

    These are more than 50 levels of nesting, whole numbers beyond 64 bits, and text that UTF-8 or a path cannot hold.
    """
    level = [data]
    for _ in range(_MOST_LEVELS):
        inner: list[Any] = []
        for value in level:
            if isinstance(value, Mapping):
                inner += [*value.keys(), *value.values()]
            elif isinstance(value, list | tuple):
                inner += value
            elif isinstance(value, int) and not -(2**63) <= value < 2**63:
                raise InputError(f"{source}: whole numbers must have at most 63 bits, got one of {value.bit_length()}")
            elif isinstance(value, str) and not _is_text(value):
                raise InputError(f"{source}: it holds half a character (an unpaired surrogate): {ascii(value)[:60]}")
            elif isinstance(value, str) and "\0" in value:
                raise InputError(f"{source}: it holds a NUL character: {ascii(value)[:60]}")
        level = inner
    if level:
        raise InputError(f"{source}: it is nested too deep: more than {_MOST_LEVELS} tables and lists in each other")


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def read_text(path: Path, what: str, *, most_bytes: int = MOST_BYTES) -> str:
    """Return a file's text, decoded as UTF-8 with or without a byte-order mark.

    Args:
        path: the file.
        what: the kind of file, which begins every error.
        most_bytes: the limit of its size.

    Raises:
        InputError: if it cannot be read, is not UTF-8 or is too large.
    """
    try:
        with path.open("rb") as file:
            content = file.read(most_bytes + 1)
        if len(content) <= most_bytes:
            return content.decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{what} {path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{what} {path} is not text in UTF-8: {error.reason} at byte {error.start}") from error
    raise InputError(f"{what} {path} is larger than the limit of {most_bytes / 2**20:g} MiB")


def read_data(path: Path, what: str, kind: Kind, *, most_bytes: int = MOST_BYTES) -> Any:
    """Return the plain data of a file of TOML, JSON or YAML; nothing in it is executed.

    Raises:
        InputError: as `read_text`, or if it is not of that kind, or nested too deep.
    """
    return parsed(read_text(path, what, most_bytes=most_bytes), path, what, kind)


def parsed(text: str, path: Path, what: str, kind: Kind) -> Any:
    """Return the plain data in the text of a file, as `read_data`."""
    parsers: dict[Kind, Callable[[str], Any]] = {"toml": tomllib.loads, "json": json.loads, "yaml": _yaml}
    try:
        return parsers[kind](text)
    except _UNREADABLE as error:
        said = "it is nested too deep" if isinstance(error, RecursionError) else " ".join(str(error).split())
        raise InputError(f"{what} {path} is not {kind}: {said or type(error).__name__}") from error


def _yaml(text: str) -> Any:
    """Read YAML of plain data within limits.

    Aliases, by which a short file stands for an endless one, are refused. The limits are checked on the parser's
    events, before anything is built of them.
    """
    level = 0
    for count, event in enumerate(yaml.parse(text, Loader=_YAML_LOADER)):
        level += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent):
            raise ValueError("aliases (*name) are not allowed")
        if level > _MOST_LEVELS:
            raise ValueError(f"it is nested too deep: more than {_MOST_LEVELS} tables and lists in each other")
        if count > MOST_YAML_VALUES:
            raise ValueError(f"it holds more than {MOST_YAML_VALUES} values")
    loader = _YAML_LOADER(text)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, where they are not there.

    Raises:
        InputError: if that cannot be.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"the folder {folder} cannot be made: {error.strerror or error}") from error


def require_place(path: Path) -> None:
    """Raise InputError where a file to be written has no folder, or is one itself: better now than after an epoch."""
    if not path.parent.is_dir():
        raise InputError(f"{path} cannot be written: there is no folder {str(path.parent)!r}")
    if path.is_dir():
        raise InputError(f"{path} cannot be written: it is a folder; name a file in it")


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` write a file beside `path`, then put it in its place: the old file stays until all is written.

    A link is followed, and the mode of a file that is replaced stays. What is no regular file, such as /dev/stdout, is
    written as it is.

    Raises:
        InputError: if the file cannot be written.
    """
    try:
        if path.exists() and not path.is_file():
            write(path)
            return
        target = path.resolve()
        beside = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            write(beside)
            if target.exists():
                shutil.copymode(target, beside)
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}") from error


def write_text(path: Path, text: str) -> None:
    """Write a file of text in UTF-8, whole or not at all.

    Raises:
        InputError: if the file cannot be written.
    """
    write_atomically(path, lambda beside: beside.write_text(text, encoding="utf-8", newline=""))
