"""A real Dask scheduler with worker processes of their own, on this machine, started as a person starts them."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_ROOT = str(Path(__file__).parent.parent)


@dataclass
class DaskCluster:
    """A scheduler, and the workers that it was given."""

    address: str
    folder: Path
    workers: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    def add_worker(self, threads: int = 1) -> "subprocess.Popen[bytes]":
        """Start a worker process without a nanny, so that one that is killed stays away."""
        flags = ["--nthreads", str(threads), "--no-nanny", "--no-dashboard", "--death-timeout", "300"]
        flags += ["--host", "127.0.0.1", "--local-directory", str(self.folder)]
        worker = start_dask("worker", self.address, *flags, log=self.folder / f"worker-{len(self.workers)}.log")
        self.workers.append(worker)
        return worker

    def wait_for_workers(self) -> None:
        """Wait until every worker has found the scheduler."""
        until = time.monotonic() + 300
        while self.logs().count("Registered to:") < len(self.workers):
            assert time.monotonic() < until, self.logs()
            time.sleep(0.1)

    def logs(self) -> str:
        """Return what scheduler and workers wrote."""
        return "\n".join(path.read_text() for path in sorted(self.folder.glob("*.log")))


def start_dask(*arguments: str, log: Path) -> "subprocess.Popen[bytes]":
    """Start `dask ARGUMENTS` with one numerical thread and this repository on its path."""
    environment = {**os.environ, "PYTHONPATH": _ROOT, "OMP_NUM_THREADS": "1"}
    with log.open("wb") as out:
        command = [sys.executable, "-m", "dask", *arguments]
        return subprocess.Popen(command, stdout=out, stderr=out, env=environment)


@contextmanager
def dask_cluster(folder: Path, workers: int) -> Iterator[DaskCluster]:
    """Run a scheduler with this number of workers while the body runs."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    flags = ["--host", "127.0.0.1", "--port", str(port), "--no-dashboard"]
    scheduler = start_dask("scheduler", *flags, log=folder / "scheduler.log")
    cluster = DaskCluster(f"tcp://127.0.0.1:{port}", folder)
    try:
        for _ in range(workers):
            cluster.add_worker()
        cluster.wait_for_workers()
        yield cluster
    finally:
        for process in (*cluster.workers, scheduler):
            process.kill()
            process.wait()
