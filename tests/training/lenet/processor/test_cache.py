"""The folder of compiled code: damaged, unwritable, shared by processes."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numba
import pytest

from lrsearch.training.lenet.processor.cache import cache_in_words, compiled_in_cache


def test_a_damaged_cache_is_replaced(tmp_path, monkeypatch):
    """What cannot be read in the cache is deleted, and the code is compiled anew."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    folder = Path(cache_in_words("a").removeprefix("kept in "))
    assert tmp_path == folder.parent
    (folder / "damaged").touch()
    attempts = []

    def compiled(cache: bool) -> str:
        attempts.append((cache, numba.config.CACHE_DIR))
        if (folder / "damaged").exists():
            raise EOFError("Ran out of input")
        return "made"

    assert compiled_in_cache("a", compiled) == "made"
    assert [(True, str(folder))] * 2 == attempts
    assert str(tmp_path) == numba.config.CACHE_DIR


def test_code_that_has_changed_on_the_disk_is_not_run(tmp_path, monkeypatch):
    """As after a power cut, which may leave zeros in a file that Numba would load all the same."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    folder = Path(cache_in_words("a").removeprefix("kept in "))
    found = []

    def compiled(cache: bool) -> None:
        code = folder / "loop.1.nbc"
        found.append(code.read_bytes() if code.exists() else b"")
        code.parent.mkdir(exist_ok=True)
        code.write_bytes(b"machine code")

    compiled_in_cache("a", compiled)
    compiled_in_cache("a", compiled)
    (folder / "loop.1.nbc").write_bytes(b"machine\0\0\0\0\0")
    compiled_in_cache("a", compiled)
    assert [b"", b"machine code", b""] == found


def test_a_full_disk_is_done_without(tmp_path, monkeypatch):
    """Where nothing can be written there is no cache, as where no folder can be made."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))

    def compiled(cache: bool) -> str:
        if cache:
            raise OSError(28, "No space left on device")
        return numba.config.CACHE_DIR

    assert compiled_in_cache("a", compiled) == ""


def test_threads_take_turns(tmp_path, monkeypatch):
    """The folder is a setting of the whole process."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    seen = []

    def compiled(cache: bool) -> None:
        seen.append(numba.config.CACHE_DIR)
        time.sleep(0.02)
        seen.append(numba.config.CACHE_DIR)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(compiled_in_cache, "abcd", [compiled] * 4))
    assert seen[::2] == seen[1::2]
    assert str(tmp_path) == numba.config.CACHE_DIR


def test_an_unwritable_cache_is_done_without(tmp_path, monkeypatch):
    """Where no folder can be made, nothing is kept."""
    (tmp_path / "file").touch()
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "file"))
    assert not compiled_in_cache("a", lambda cache: cache)


@pytest.mark.integration
def test_two_processes_share_a_cache_and_mend_it(tmp_path: Path):
    """Two processes compile at once; then a file of the cache is cut off, and the next process replaces it."""
    code = "import torch; from lrsearch.training.lenet.processor import step; print(step.prepare(torch.float32))"
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}

    def start() -> subprocess.Popen[str]:
        return subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True)

    for process in [start(), start()]:
        assert process.communicate(timeout=120)[0].startswith("numba 4 float32x")
    kept = sorted(tmp_path.rglob("*.nbc"))
    kept[0].write_bytes(kept[0].read_bytes()[:100])
    assert start().communicate(timeout=120)[0].startswith("numba 4 float32x")
    assert all(len(path.read_bytes()) > 100 for path in tmp_path.rglob("*.nbc"))
