"""The user's cache folder of code that Numba compiled."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TypeVar

import numba
from platformdirs import user_cache_path

_Compiled = TypeVar("_Compiled")


def compiled_in_cache(compiled: Callable[[bool], _Compiled]) -> _Compiled:
    """Return what a function compiles, or loads from the cache; it is called with whether there is a cache.

    Compiled code is kept in the user's cache folder (NUMBA_CACHE_DIR names another). Where that cannot be written it is
    compiled in every process; what is damaged there is replaced.
    """
    folder, writable = _cache_folder()
    if writable:
        try:
            return _with_folder(compiled, folder)
        except Exception:  # unpickling a damaged file may raise anything
            shutil.rmtree(folder, ignore_errors=True)
    return _with_folder(compiled, folder if writable else None)


def cache_in_words() -> str:
    """Return where compiled code is kept, or that it cannot be."""
    folder, writable = _cache_folder()
    return f"kept in {folder}" if writable else f"compiled in every process, as {folder} cannot be written"


def _cache_folder() -> tuple[Path, bool]:
    """Return the folder of code that was compiled from these very sources, and whether it may be written."""
    folder = Path(numba.config.CACHE_DIR or user_cache_path("lrsearch")) / f"kernels-{_digest()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return folder, os.access(folder, os.W_OK | os.X_OK)
    except OSError:
        return folder, False


@cache
def _digest() -> str:
    """Return what tells these sources from others: Numba itself looks at the file of a loop, not at its vectors."""
    sources = b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))
    return hashlib.sha256(sources).hexdigest()[:12]


def _with_folder(compiled: Callable[[bool], _Compiled], folder: Path | None) -> _Compiled:
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = "" if folder is None else str(folder)
    try:
        return compiled(folder is not None)
    finally:
        numba.config.CACHE_DIR = before
