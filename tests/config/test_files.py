"""Files are read within limits: a hostile one is refused in one line, and soon."""

import os
import time
from pathlib import Path

import pytest
import yaml

from lrsearch.config import files
from lrsearch.config.files import make_folder, read_data, require_place, write_atomically, write_text
from lrsearch.errors import InputError


@pytest.fixture(params=["fast", "plain"])
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Read with the loader in C, and with the one that PyYAML has everywhere."""
    if request.param == "plain":
        monkeypatch.setattr(files, "_YAML_LOADER", yaml.SafeLoader)
    return request.param


def _yaml(folder: Path, text: str) -> object:
    path = folder / "a.yaml"
    path.write_text(text)
    return read_data(path, "configuration", "yaml")


def test_yaml_gives_plain_data(tmp_path: Path, loader: str) -> None:
    """Tables, lists, numbers and text of a small file."""
    assert {"a": [1, 2.5, "x"], "b": {"c": None}} == _yaml(tmp_path, "a: [1, 2.5, x]\nb: {c: }\n")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a: &a [x]\nb: *a\n", "aliases"),
        ("[" * 5000, "nest"),
        ("x: [" + "1," * 300_000 + "1]\n", "more than 10000 values"),
        ("- 1\n" * 150_000, "more than 10000 values"),
        ("a: 1\n---\nb: 2\n", "single document"),
    ],
    ids=["alias", "deep", "long list", "long block", "two documents"],
)
def test_what_is_no_configuration_is_refused_within_seconds(
    tmp_path: Path, loader: str, text: str, complaint: str
) -> None:
    """Of any size up to the limit: one line, and processor time that a person does not notice."""
    begun = time.process_time()
    with pytest.raises(InputError, match=complaint) as caught:
        _yaml(tmp_path, text)
    assert time.process_time() - begun < 3
    assert 1 == len(str(caught.value).splitlines())


def test_a_file_is_written_whole_or_stays_as_it_was(tmp_path: Path) -> None:
    """What fails half-way leaves the old file and nothing beside it; a link is followed, a mode kept."""
    page, link = tmp_path / "page.html", tmp_path / "link.html"
    link.symlink_to(page)
    page.touch(mode=0o600)
    write_text(link, "<p>é</p>")
    assert 0o600 == page.stat().st_mode & 0o777
    assert link.is_symlink()
    assert "<p>é</p>" == page.read_text(encoding="utf-8")

    def half(beside: Path) -> None:
        beside.write_text("ha")
        raise OSError(28, "No space left on device")

    with pytest.raises(InputError, match=r"page.html cannot be written: No space left on device"):
        write_atomically(page, half)
    assert "<p>é</p>" == page.read_text(encoding="utf-8")
    assert ["link.html", "page.html"] == sorted(path.name for path in tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("no_folder/page.html", "No such file or directory"),
        (".", "Is a directory"),
        ("/", "Is a directory"),
        ("x" * 300, "File name too long"),
        ("/dev/full", "No space left on device"),
        ("/proc/page.html", "No such file or directory"),
    ],
)
def test_where_nothing_can_be_written_is_told(tmp_path: Path, name: str, reason: str) -> None:
    """The error names the path and the reason, and nothing is left."""
    with pytest.raises(InputError, match=f"cannot be written: {reason}"):
        write_text(tmp_path / name, "page" * 10_000)
    assert [] == list(tmp_path.iterdir())


def test_a_folder_is_made_with_those_above_it(tmp_path: Path) -> None:
    """One that is there stays; a file in its place is told."""
    for _ in range(2):
        make_folder(tmp_path / "runs" / "0")
    assert (tmp_path / "runs" / "0").is_dir()
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"the folder .*file cannot be made: File exists"):
        make_folder(tmp_path / "file")


def test_a_place_is_looked_at_beforehand(tmp_path: Path) -> None:
    """A folder is no file to be written, and a file needs its folder; nothing is made."""
    require_place(tmp_path / "curve.csv")
    with pytest.raises(InputError, match="it is a folder; name a file in it"):
        require_place(tmp_path)
    with pytest.raises(InputError, match="there is no folder"):
        require_place(tmp_path / "none" / "curve.csv")
    assert [] == list(tmp_path.iterdir())


def test_what_is_no_file_is_written_as_it_is(tmp_path: Path) -> None:
    """A pipe stays a pipe, and its reader gets the text."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_text(pipe, "page")
        assert b"page" == os.read(reader, 9)
    finally:
        os.close(reader)
    assert pipe.is_fifo()
