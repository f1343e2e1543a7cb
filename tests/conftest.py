"""What all tests share: one thread, no network, no settings from a shell, and the real data where there is some."""

import logging
import os
import shutil
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"  # before NumPy and torch are imported; processes that tests start inherit it

# Written bytecode spares every later run, and every process that tests start, the time to compile and to rewrite.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Folders of tests in memory, where there is room: each commit of SQLite waits for the disk.
if os.access("/dev/shm", os.W_OK) and shutil.disk_usage("/dev/shm").free > 2**30:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", "/dev/shm")

_REAL_FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)
_MIRROR = os.environ.get("LRSEARCH_DATA_MIRROR", "")


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


@pytest.fixture(autouse=True, scope="session")
def _no_clock() -> None:
    """Let lanes that can be stacked train side by side from two on, whatever is faster: equal searches are equal."""
    from lrsearch.training import choice

    choice._measured = lambda layout, data, rule, lanes: (1.0, 1.0 / lanes)


@pytest.fixture(autouse=True, scope="session")
def _signals() -> None:
    """Obey signals as from a terminal: a shell's background jobs, and what they start, ignore some, as under nohup."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection but those to this machine."""
    connect = socket.socket.connect

    def local_only(self: socket.socket, address: object) -> None:
        host = address[0] if isinstance(address, tuple) else "localhost"
        if host not in ("127.0.0.1", "::1", "localhost"):
            raise OSError(f"tests use no network, and this one asked for {address!r}")
        connect(self, address)  # type: ignore[arg-type]

    def local_names(host: str | None, *rest: object, **named: object) -> list[object]:
        if host not in (None, "127.0.0.1", "::1", "localhost"):
            raise socket.gaierror(socket.EAI_AGAIN, f"tests use no network, and this one asked for {host!r}")
        return lookup(host, *rest, **named)  # type: ignore[arg-type, return-value]

    lookup = socket.getaddrinfo
    monkeypatch.setattr(socket.socket, "connect", local_only)
    monkeypatch.setattr(socket, "getaddrinfo", local_names)


@pytest.fixture(autouse=True)
def _no_log() -> None:
    """Begin each test with the log as Python starts it, whatever the tests before it have shown."""
    logger = logging.getLogger("lrsearch")
    logger.setLevel(logging.NOTSET)
    logger.handlers.clear()
    logging.disable(logging.NOTSET)


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clear what a shell may hold, so that a test sees only what it sets itself."""
    for name in [name for name in os.environ if name.startswith("LRSEARCH_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty working directory, with an empty data folder beside it."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.setenv("LRSEARCH_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(work)
    return work


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder that holds the real Fashion-MNIST files; skip where LRSEARCH_DATA_MIRROR names none."""
    if not _MIRROR or not all((Path(_MIRROR) / name).exists() for name in _REAL_FILES):
        pytest.skip("needs LRSEARCH_DATA_MIRROR to name a folder that holds the four Fashion-MNIST .gz files")
    return Path(_MIRROR)


@dataclass(frozen=True)
class Outcome:
    """What a command line left: its exit code, and the lines it wrote."""

    code: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """The one line of a refused command, after its form has been checked."""
        assert 2 == self.code, self.err
        assert "" == self.out
        assert 1 == len(self.err.splitlines()), self.err
        assert self.err.startswith("lrsearch: ")
        return self.err.removeprefix("lrsearch: ").strip()


@pytest.fixture
def run(folder: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Return a function that runs a command line in this process, in an empty working directory."""
    from lrsearch.__main__ import main

    def call(*arguments: object) -> Outcome:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        return Outcome(code, *capsys.readouterr())

    return call


STUDY = """
name = "tab"
workload = "tests.workload_examples:tabular"

[training]
epochs = 2

[search]
families = ["constant", "cosine", "one_cycle"]
trials = 6
"""


@pytest.fixture
def study_file(folder: Path) -> Path:
    """Return a study file of six short trials of three families on tabular data."""
    path = folder / "tab.toml"
    path.write_text(STUDY)
    return path
