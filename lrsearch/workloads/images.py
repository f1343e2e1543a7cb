"""Image data sets: Fashion-MNIST, MNIST and KMNIST through torchvision, and the digits that scikit-learn carries."""

from __future__ import annotations

import gzip
import math
import os
import struct
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from lrsearch.errors import InputError, RunError
from lrsearch.workloads.dataset import Dataset
from lrsearch.workloads.download import download
from lrsearch.workloads.split import split_examples

IMAGE_DATASETS = ("fashion-mnist", "mnist", "kmnist", "digits")
"""The names that `--dataset` takes."""


def load_images(dataset: str) -> Callable[[], Dataset]:
    """Return the function that loads `dataset`: images uint8 `[n, 1, 28, 28]`, labels int64 `[n]`.

    Raises:
        InputError: if there is no such data set.
    """
    if dataset not in IMAGE_DATASETS:
        raise InputError(f"dataset must be one of {', '.join(IMAGE_DATASETS)}, got {dataset!r}")
    return _digits if dataset == "digits" else partial(_mnist_like, dataset)


def data_folder() -> Path:
    """Return the folder of downloaded data: LRSEARCH_DATA, or the user's cache."""
    from platformdirs import user_cache_path

    return Path(os.environ.get("LRSEARCH_DATA") or user_cache_path("lrsearch") / "data").expanduser()


def _digits() -> Dataset:
    """Return the 1,797 handwritten digits of scikit-learn, resized from 8x8 to 28x28: 1,499 train, 298 test."""
    # Read from its file, as `load_digits` does: to import scikit-learn takes longer than to train an epoch of them.
    library = find_spec("sklearn")
    assert library is not None
    assert library.origin is not None
    table = np.loadtxt(Path(library.origin).parent / "datasets" / "data" / "digits.csv.gz", delimiter=",")
    labels = table[:, -1].astype(np.int64)
    small = torch.from_numpy(table[:, :-1]).to(torch.float32).reshape(-1, 1, 8, 8) / 16
    large = functional.interpolate(small, size=(28, 28), mode="bilinear", align_corners=False)
    images = large.mul(255).round().to(torch.uint8)
    y = torch.from_numpy(labels)
    split = split_examples(labels, split_seed=0)
    train = torch.from_numpy(np.sort(split.fit))
    test = torch.from_numpy(np.sort(np.concatenate([split.select, split.report])))
    return Dataset(images[train], y[train], images[test], y[test])


def _mnist_like(dataset: str) -> Dataset:
    from torchvision import datasets

    kind = {"fashion-mnist": datasets.FashionMNIST, "mnist": datasets.MNIST, "kmnist": datasets.KMNIST}[dataset]
    folder = data_folder() / kind.__name__ / "raw"
    arrays = []
    for filename, md5 in kind.resources:
        path = _fetch(folder / filename, md5, kind.mirrors, dataset)
        arrays.append(torch.from_numpy(_read_idx(path)))
    train_x, train_y, test_x, test_y = arrays
    return Dataset(train_x.unsqueeze(1), train_y.long(), test_x.unsqueeze(1), test_y.long())


def _fetch(path: Path, md5: str, mirrors: list[str], dataset: str) -> Path:
    """Return `path`, complete: from the data folder, else LRSEARCH_DATA_MIRROR, else torchvision's mirrors."""
    if path.exists():
        return _checked(path, md5)
    mirror = os.environ.get("LRSEARCH_DATA_MIRROR", "")
    failures = []
    if mirror and not mirror.startswith(("http://", "https://")):
        copy = Path(mirror).expanduser() / path.name
        if copy.exists():
            return _checked(copy, md5)
        failures.append(f"LRSEARCH_DATA_MIRROR: there is no file {copy}")
        mirror = ""
    for address in filter(None, [mirror, *mirrors]):
        try:
            download(f"{address.rstrip('/')}/{path.name}", path, md5)
            return path
        except RunError as error:
            failures.append(str(error))
    raise InputError(
        f"{dataset} cannot be downloaded ({'; '.join(failures)}). Three ways out: put the four .gz files into "
        f"{path.parent}; set LRSEARCH_DATA_MIRROR to an http(s) address or a folder that holds them; or use "
        "--dataset digits, which needs no download"
    )


def _checked(path: Path, md5: str) -> Path:
    from torchvision.datasets.utils import check_integrity

    if not check_integrity(str(path), md5):
        raise InputError(f"{path} is damaged or of another data set (its MD5 is not {md5}): replace or delete it")
    return path


def _read_idx(path: Path) -> NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes: 0, 0, type 8, number of axes, the axes as big-endian 32 bits, the bytes."""
    content = bytearray(gzip.decompress(path.read_bytes()))
    shape = struct.unpack_from(f">{content[3]}I", content, 4)
    offset = 4 + 4 * content[3]
    return np.frombuffer(content, dtype=np.uint8, count=math.prod(shape), offset=offset).reshape(shape)
