"""A real PostgreSQL server of the tests' own: in a temporary folder, on a free port, with a password."""

import gc
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PASSWORD = "tops3cret"
_UNPRIVILEGED = "postgres"
"""Whom Debian's package makes; the server refuses to run as root."""


def binaries() -> Path | None:
    """Return the folder that holds initdb and pg_ctl, or None if PostgreSQL is not installed."""
    if initdb := shutil.which("initdb"):
        return Path(initdb).parent
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    return next((folder for folder in reversed(folders) if (folder / "initdb").exists()), None)


@dataclass(frozen=True)
class PostgresServer:
    """A server that can be stopped and started again."""

    folder: Path
    port: int
    programs: Path

    @property
    def url(self) -> str:
        """The address of its database, with user and password."""
        return f"postgresql+psycopg://lrsearch:{PASSWORD}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = f"-c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder} -c fsync=off -p {self.port}"
        self._run("pg_ctl", "start", "-w", "-D", self._data, "-o", options, "-l", str(self.folder / "log"))

    def stop(self, mode: str = "fast") -> None:
        """Stop the server: "fast" ends all connections, "immediate" does so as a crash does."""
        self._run("pg_ctl", "stop", "-w", "-m", mode, "-D", self._data)

    def initialise(self) -> None:
        """Make the database's files."""
        password_file = self.folder / "password"
        password_file.write_text(PASSWORD)
        flags = [
            "-D",
            self._data,
            "-U",
            "lrsearch",
            "--pwfile",
            str(password_file),
            "--auth=scram-sha-256",
            "--no-sync",
        ]
        self._run("initdb", *flags)

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    def _run(self, program: str, *arguments: str) -> None:
        user = {"user": _UNPRIVILEGED, "group": _UNPRIVILEGED, "extra_groups": []} if os.getuid() == 0 else {}
        command = [str(self.programs / program), *arguments]
        # A server inherits what it is given as output, so a pipe would never close.
        with (self.folder / f"{program}.out").open("w+b") as out:
            done = subprocess.run(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, cwd=self.folder, **user)
            out.seek(0)
            assert 0 == done.returncode, out.read().decode()


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Run a server while the body runs."""
    programs = binaries()
    assert programs is not None, "PostgreSQL is not installed"
    # Not under pytest's own folder, which only its owner may enter.
    folder = Path(tempfile.mkdtemp(prefix="lrsearch-postgres-"))
    if os.getuid() == 0:
        shutil.chown(folder, _UNPRIVILEGED, _UNPRIVILEGED)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = PostgresServer(folder, port, programs)
    try:
        server.initialise()
        server.start()
        yield server
    finally:
        gc.collect()  # connections that the server's crash has cut off complain now, and not in a later test
        if (folder / "data" / "postmaster.pid").exists():
            server.stop("immediate")
        shutil.rmtree(folder)
