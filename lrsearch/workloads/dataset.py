"""Training and test examples, and what else a data set may say of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lrsearch.errors import InputError
from lrsearch.workloads.split import Split, examples_to_fit, split_examples

_OPTIONAL = ("validation_x", "validation_y", "groups")


@dataclass(frozen=True, eq=False)
class Dataset:
    """Training and test examples as they are stored, normalised only when they are used.

    Attributes:
        train_x, test_x: `[examples, *item]`, any dtype (images as uint8 keep four times as many in memory).
        train_y, test_y: `[examples]`, int64 class labels, or `[examples, ...]` floats for a regression.
        validation_x, validation_y: a validation part of your own, where a random one would leak (text, time). All
            training examples are fitted then, and there is no holdout.
        groups: `[training examples]`, whole numbers: examples of one group, such as a patient's, are never on both
            sides of the split.

    Raises:
        InputError: if they do not fit together.
    """

    train_x: Tensor
    train_y: Tensor
    test_x: Tensor
    test_y: Tensor
    validation_x: Tensor | None = None
    validation_y: Tensor | None = None
    groups: Tensor | None = None

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value is None and name in _OPTIONAL:
                continue
            if not isinstance(value, Tensor) or value.ndim == 0:
                given = "a single number" if isinstance(value, Tensor) else type(value).__name__
                raise InputError(f"{name} must be one tensor [examples, ...], got {given}")
        if (self.validation_x is None) != (self.validation_y is None):
            lacking = "validation_x" if self.validation_x is None else "validation_y"
            raise InputError(f"validation_x and validation_y go together: give {lacking} too")
        for part in ("train", "test", *(["validation"] if self.validation_x is not None else [])):
            x, y = getattr(self, f"{part}_x"), getattr(self, f"{part}_y")
            if len(x) != len(y) or len(x) == 0:
                raise InputError(
                    f"{part}_x and {part}_y must hold equally many examples (>= 1), got {len(x)}, {len(y)}"
                )
            for name, value, like in ((f"{part}_x", x, self.train_x), (f"{part}_y", y, self.train_y)):
                if part == "validation" and (value.shape[1:], value.dtype) != (like.shape[1:], like.dtype):
                    raise InputError(
                        f"{name} must hold examples like those of train_{name[-1]}, {tuple(like.shape[1:])} of "
                        f"{like.dtype}, got {tuple(value.shape[1:])} of {value.dtype}"
                    )
        self._check_groups()

    def _check_groups(self) -> None:
        if self.groups is None:
            return
        if self.validation_x is not None:
            raise InputError("groups decide how a validation part is drawn: leave them out where validation_x is given")
        if self.groups.shape != self.train_y.shape[:1] or self.groups.is_floating_point() or self.groups.is_complex():
            raise InputError(
                f"groups must be a whole number for each of the {len(self.train_y)} training examples, got "
                f"{tuple(self.groups.shape)} of {self.groups.dtype}"
            )

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> Dataset:
        """Return the data set of what `arrays` gave, without a copy."""
        return cls(**{name: torch.from_numpy(array) for name, array in arrays.items()})

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return what is given as contiguous NumPy arrays by name, without a copy where they are that."""
        return {name: value.contiguous().numpy() for name, value in vars(self).items() if value is not None}

    def split(self, seed: int, *, train: str = "fit") -> Split:
        """Return a split of the training examples, as `split_examples`; all are fitted beside a validation part."""
        groups = None if self.groups is None else self.groups.numpy()
        return split_examples(self.train_y.numpy(), seed, groups=groups, train=self._train(train))

    def examples_to_fit(self, *, train: str = "fit") -> int:
        """Return how many training examples every split fits."""
        groups = None if self.groups is None else self.groups.numpy()
        return examples_to_fit(len(self.train_x), groups=groups, train=self._train(train))

    def _train(self, asked: str) -> str:
        return asked if self.validation_x is None else "all"

    def first(self, train: int, held_out: int) -> Dataset:
        """Return the first of the training examples, and of the test and validation examples each; without groups."""
        parts = (self.train_x[:train], self.train_y[:train], self.test_x[:held_out], self.test_y[:held_out])
        if self.validation_x is None or self.validation_y is None:
            return Dataset(*parts)
        return Dataset(*parts, self.validation_x[:held_out], self.validation_y[:held_out])

    def fingerprint(self) -> str:
        """Return 16 hexadecimal digits that change when any example, label or group changes."""
        digest = hashlib.sha256()
        for name, array in self.arrays().items():
            if name in _OPTIONAL:
                digest.update(name.encode())
            digest.update(f"{array.dtype}{array.shape}".encode())
            digest.update(array.reshape(-1).view(np.uint8).data)
        return digest.hexdigest()[:16]
