"""Downloads: complete or not at all, several at once, and no server waited for without end."""

import hashlib
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from lrsearch.errors import RunError
from lrsearch.workloads import download as module
from lrsearch.workloads.download import download

CONTENT = bytes(range(256)) * 4000
MD5 = hashlib.md5(CONTENT).hexdigest()


class _Server(BaseHTTPRequestHandler):
    """Sends CONTENT whole; of /half the first half and then nothing, of /cut half of it, of /drip a byte at a time."""

    together = threading.Barrier(4)
    ended = threading.Event()

    def do_GET(self) -> None:
        if self.path == "/together":
            self.together.wait(20)
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        while self.path == "/drip" and not self.ended.wait(0.02):
            self.wfile.write(b"x")
        partly = self.path in ("/half", "/cut")
        self.wfile.write(CONTENT[: len(CONTENT) // 2] if partly else CONTENT)
        if self.path == "/half":
            self.ended.wait(20)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    """Return the address of a server on this machine."""
    _Server.ended.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), _Server) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        _Server.ended.set()
        server.shutdown()
        thread.join()


def test_several_downloads_of_one_file_at_once_all_end_well(tmp_path: Path, address: str) -> None:
    """Four answers begin in the same moment; the file is whole, and nothing lies beside it."""
    target = tmp_path / "new" / "file.gz"
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: download(f"{address}/together", target, MD5), range(4)))
    assert CONTENT == target.read_bytes()
    assert [target] == list(target.parent.iterdir())


@pytest.mark.parametrize(
    ("path", "md5", "complaint"), [("cut", MD5, "incomplete"), ("whole", "0" * 32, "another file")]
)
def test_a_file_that_is_not_the_right_one_is_not_kept(tmp_path, address, path, md5, complaint) -> None:
    """Cut short or of another content: one error, and an empty folder."""
    with pytest.raises(RunError, match=complaint):
        download(f"{address}/{path}", tmp_path / "file.gz", md5)
    assert [] == list(tmp_path.iterdir())


def test_a_server_that_stalls_is_given_up(tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the middle of a file or before its answer: after the time-out, with an empty folder."""
    monkeypatch.setattr(module, "STALL_SECONDS", 0.2)
    with pytest.raises(RunError, match=r"/half: no data for 0\.2 s"):
        download(f"{address}/half", tmp_path / "file.gz", MD5)
    with socket.create_server(("127.0.0.1", 0)) as mute, pytest.raises(RunError, match=r"/x: no data for 0\.2 s"):
        download(f"http://127.0.0.1:{mute.getsockname()[1]}/x", tmp_path / "file.gz", MD5)
    assert [] == list(tmp_path.iterdir())


def test_a_server_that_sends_a_byte_now_and_then_is_given_up(tmp_path, address, monkeypatch):
    """No single byte is late, and the file would take days."""
    monkeypatch.setattr(module, "STALL_SECONDS", 0.2)
    with pytest.raises(RunError, match=r"/drip: too slow: \d+ bytes in 0 s"):
        download(f"{address}/drip", tmp_path / "file.gz", MD5)
    assert [] == list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path, address: str) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "data").write_text("")
    with pytest.raises(RunError, match="File exists"):
        download(f"{address}/whole", tmp_path / "data" / "file.gz", MD5)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x", "http://[::1", "nothing", "http://mirror.invalid/x"])
def test_an_address_that_cannot_be_reached_is_one_error(tmp_path: Path, url: str) -> None:
    """It begins with the address."""
    with pytest.raises(RunError) as caught:
        download(url, tmp_path / "file.gz", MD5)
    assert str(caught.value).startswith(f"{url}: ")
    assert [] == list(tmp_path.iterdir())
