"""Image data sets: their shapes, where they come from and in which order, and files that are damaged."""

import gzip
import hashlib
import http.server
import shutil
import struct
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision import datasets

from lrsearch.errors import InputError
from lrsearch.workloads.fashion_lenet import fashion_lenet
from lrsearch.workloads.images import data_folder, load_images

SIZES = {"train": 24, "t10k": 12}


def _idx(array: np.ndarray) -> bytes:
    """Return an IDX file: 0, 0, 8 (unsigned bytes), the number of axes, the axes, the bytes."""
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return gzip.compress(head + array.astype(np.uint8).tobytes())


def _files(value: int) -> dict[str, bytes]:
    """Return four small files, all of whose pixels are `value`."""
    files = {}
    for part, examples in SIZES.items():
        files[f"{part}-images-idx3-ubyte.gz"] = _idx(np.full((examples, 28, 28), value))
        files[f"{part}-labels-idx1-ubyte.gz"] = _idx(np.arange(examples) % 10)
    return files


FILES = _files(7)


def _put(folder: Path, files: dict[str, bytes] = FILES) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


@pytest.fixture
def raw(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the data folder of Fashion-MNIST, which does not exist yet, when that data set is four small files."""
    resources = [(name, hashlib.md5(content).hexdigest()) for name, content in FILES.items()]
    ordered = sorted(resources, key=lambda r: ("t10k" in r[0], "labels" in r[0]))
    monkeypatch.setattr(datasets.FashionMNIST, "resources", ordered)
    monkeypatch.setattr(datasets.FashionMNIST, "mirrors", ["http://mirror.invalid/fashion/"])
    return data_folder() / "FashionMNIST" / "raw"


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Serve a folder on this machine; return its address and the folder."""
    served = tmp_path / "served"
    served.mkdir()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(served))) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}", served
        running.shutdown()
        thread.join()


def test_digits_need_no_file_and_have_the_shape_of_fashion_mnist(folder) -> None:
    """1,499 and 298 images of 28x28 bytes, every class in both parts, and the same ones each time."""
    digits = load_images("digits")()
    assert ((1499, 1, 28, 28), (298, 1, 28, 28)) == (tuple(digits.train_x.shape), tuple(digits.test_x.shape))
    assert (torch.uint8, torch.int64) == (digits.train_x.dtype, digits.train_y.dtype)
    assert (0, 255) == (int(digits.train_x.min()), int(digits.train_x.max()))
    for labels in (digits.train_y, digits.test_y):
        share = torch.bincount(labels, minlength=10) / len(labels)
        assert share.min() > 0.08
    assert "16b7b5e70093a8e9" == digits.fingerprint()  # as stored studies hold it, from `sklearn.datasets.load_digits`
    assert not data_folder().exists()


def test_the_data_folder_comes_first(raw, server, monkeypatch) -> None:
    """Files that are there are read, and neither a mirror nor the network is asked."""
    address, _ = server
    _put(raw)
    monkeypatch.setenv("LRSEARCH_DATA_MIRROR", address)
    loaded = load_images("fashion-mnist")()
    assert ((24, 1, 28, 28), (12, 1, 28, 28)) == (tuple(loaded.train_x.shape), tuple(loaded.test_x.shape))
    assert 7 == int(loaded.train_x.max()) == int(loaded.train_x.min())
    assert [i % 10 for i in range(12)] == loaded.test_y.tolist()


def test_a_mirror_folder_comes_second_and_is_read_in_place(raw, folder, monkeypatch) -> None:
    """What the data folder lacks is read from the folder that LRSEARCH_DATA_MIRROR names, and not copied."""
    _put(folder / "mirror")
    monkeypatch.setenv("LRSEARCH_DATA_MIRROR", str(folder / "mirror"))
    assert 24 == len(load_images("fashion-mnist")().train_x)
    assert not raw.exists() or [] == list(raw.iterdir())


def test_a_mirror_address_is_asked_before_torchvisions_own(raw, server, monkeypatch) -> None:
    """Files are downloaded into the data folder, once, and nothing half-finished lies beside them."""
    address, served = server
    _put(served)
    monkeypatch.setenv("LRSEARCH_DATA_MIRROR", address)
    assert 24 == len(load_images("fashion-mnist")().train_x)
    assert sorted(FILES) == sorted(path.name for path in raw.iterdir())
    shutil.rmtree(served)
    assert 24 == len(load_images("fashion-mnist")().train_x)


def test_torchvisions_mirrors_come_last(raw, server, monkeypatch) -> None:
    """Without a mirror of one's own, or where it lacks the files, torchvision's addresses serve."""
    address, served = server
    _put(served)
    monkeypatch.setattr(datasets.FashionMNIST, "mirrors", [f"{address}/nowhere/", f"{address}/"])
    monkeypatch.setenv("LRSEARCH_DATA_MIRROR", "http://mine.invalid/data")
    assert 24 == len(load_images("fashion-mnist")().train_x)


@pytest.mark.parametrize("mirror", ["", "http://mine.invalid/data", "/no/such/folder"])
def test_without_network_the_error_names_three_ways_out(raw, run, monkeypatch, mirror) -> None:
    """One line, exit code 2: what was tried, and the data folder, the mirror and `--dataset digits` as ways out."""
    monkeypatch.setenv("LRSEARCH_DATA_MIRROR", mirror)
    complaint = run("optimize", "--dataset", "fashion-mnist", "--workers", "1", "--trials", "1").complaint
    for part in ("mirror.invalid", mirror, str(raw), "LRSEARCH_DATA_MIRROR", "--dataset digits"):
        assert part in complaint
    assert not raw.exists() or [] == list(raw.iterdir())
    assert not Path("lrsearch.db").exists()


@pytest.mark.parametrize("damage", ["truncated", "changed", "of another data set", "empty"])
@pytest.mark.parametrize("place", ["data folder", "mirror folder"])
def test_a_damaged_file_is_named_and_left_alone(raw, folder, run, monkeypatch, place, damage) -> None:
    """It is neither read nor replaced: one line names the file, and exit code 2."""
    name = "train-images-idx3-ubyte.gz"
    whole = FILES[name]
    content = {
        "truncated": whole[:-9],
        "changed": whole[:40] + bytes([whole[40] ^ 1]) + whole[41:],
        "of another data set": _files(8)[name],
        "empty": b"",
    }[damage]
    where = raw if place == "data folder" else folder / "mirror"
    monkeypatch.setenv("LRSEARCH_DATA_MIRROR", str(folder / "mirror"))
    _put(where, {**FILES, name: content})
    complaint = run("optimize", "--dataset", "fashion-mnist", "--workers", "1", "--trials", "1").complaint
    assert f"{where / name} is damaged" in complaint
    assert content == (where / name).read_bytes()


def test_a_damaged_download_is_not_kept(raw, server, monkeypatch) -> None:
    """A file whose MD5 is wrong does not reach the data folder, and the next source is asked."""
    address, served = server
    _put(served / "good")
    _put(served / "bad", {**FILES, "train-labels-idx1-ubyte.gz": b"not it"})
    monkeypatch.setattr(datasets.FashionMNIST, "mirrors", [f"{address}/good/"])
    monkeypatch.setenv("LRSEARCH_DATA_MIRROR", f"{address}/bad")
    assert 24 == len(load_images("fashion-mnist")().train_x)
    monkeypatch.setattr(datasets.FashionMNIST, "mirrors", [f"{address}/bad/"])
    shutil.rmtree(raw)
    with pytest.raises(InputError, match="train-labels"):
        load_images("fashion-mnist")()
    assert ["train-images-idx3-ubyte.gz"] == [path.name for path in raw.iterdir()]


def test_an_unknown_data_set_is_refused_at_once() -> None:
    """Before anything is loaded."""
    with pytest.raises(InputError, match="fashion-mnist, mnist, kmnist, digits, got 'cifar'"):
        fashion_lenet("cifar")


def test_the_real_fashion_mnist_is_what_it_is(folder, real_data, monkeypatch) -> None:
    """60,000 and 10,000 images of ten equal classes, read from the mirror folder after torchvision's MD5 checks."""
    monkeypatch.setenv("LRSEARCH_DATA_MIRROR", str(real_data))
    real = load_images("fashion-mnist")()
    assert ((60_000, 1, 28, 28), (10_000, 1, 28, 28)) == (tuple(real.train_x.shape), tuple(real.test_x.shape))
    assert [6000] * 10 == torch.bincount(real.train_y).tolist()
    assert [1000] * 10 == torch.bincount(real.test_y).tolist()
    assert 0.2860 == pytest.approx(float(real.train_x.float().mean()) / 255, abs=5e-5)
