"""The user's cache folder of code that Numba compiled."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TypeVar

import numba
from platformdirs import user_cache_path

_Compiled = TypeVar("_Compiled")

_DIGESTS = "digests.json"
_one_at_a_time = threading.Lock()


def compiled_in_cache(name: str, compiled: Callable[[bool], _Compiled]) -> _Compiled:
    """Return what a function compiles, or loads from the cache; it is called with whether there is a cache.

    Compiled code is kept in the user's cache folder (NUMBA_CACHE_DIR names another), what is of one name apart from all
    else. Where that cannot be written, or is full, it is compiled in every process; what is damaged there is replaced.
    """
    folder, writable = _cache_folder(name)
    with _one_at_a_time:
        for _ in range(2 if writable else 0):
            try:
                if not _is_intact(folder):
                    shutil.rmtree(folder)
                folder.mkdir(exist_ok=True)
                made = _with_folder(compiled, folder)
                _note_digests(folder)
            except Exception:  # unpickling a damaged file may raise anything
                shutil.rmtree(folder, ignore_errors=True)
            else:
                return made
        return _with_folder(compiled, None)


def cache_in_words(name: str) -> str:
    """Return where code of a name is kept, or that it cannot be."""
    folder, writable = _cache_folder(name)
    return f"kept in {folder}" if writable else f"compiled in every process, as {folder} cannot be written"


def _cache_folder(name: str) -> tuple[Path, bool]:
    """Return the folder of code that was compiled from these very sources, and whether it may be written."""
    folder = Path(numba.config.CACHE_DIR or user_cache_path("lrsearch")) / f"kernels-{_sources()}-{name}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return folder, os.access(folder, os.W_OK | os.X_OK)
    except OSError:
        return folder, False


@cache
def _sources() -> str:
    """Return what tells these sources from others: Numba itself looks at the file of a loop, not at its vectors."""
    sources = b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))
    return hashlib.sha256(sources).hexdigest()[:12]


def _is_intact(folder: Path) -> bool:
    """Return whether the code in a folder is as it was noted: Numba would run what a power cut has left of it."""
    noted = folder / _DIGESTS
    return not noted.exists() or json.loads(noted.read_text()).items() <= _digests(folder).items()


def _note_digests(folder: Path) -> None:
    text, noted = json.dumps(_digests(folder)), folder / _DIGESTS
    if not noted.exists() or noted.read_text() != text:
        begun = folder / f"{_DIGESTS}.{os.getpid()}"
        begun.write_text(text)
        begun.replace(noted)


def _digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.rglob("*.nbc"))}


def _with_folder(compiled: Callable[[bool], _Compiled], folder: Path | None) -> _Compiled:
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = "" if folder is None else str(folder)
    try:
        return compiled(folder is not None)
    finally:
        numba.config.CACHE_DIR = before
