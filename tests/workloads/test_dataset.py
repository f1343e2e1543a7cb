"""A data set: that it is known again, and what does not fit together."""

from dataclasses import replace

import pytest
import torch

from lrsearch.errors import InputError
from lrsearch.workloads import Dataset
from tests.workload_examples import tabular_data


def test_the_fingerprint_sees_every_example_label_and_type() -> None:
    """Equal data has equal fingerprints; one bit, a label, the order or the type of the numbers changes it."""
    data = tabular_data()
    x, y = data.train_x.clone(), data.train_y.clone()
    x[3, 2] += 1e-6
    y[5] = (y[5] + 1) % 3
    others = [
        replace(data, train_x=x),
        replace(data, train_y=y),
        replace(data, test_x=data.test_x.flip(0)),
        replace(data, train_x=data.train_x.double()),
    ]
    rows, groups = torch.arange(240), torch.arange(240) // 4
    others += [replace(data, groups=groups), replace(data, groups=rows)]
    others += [replace(data, validation_x=x[:n], validation_y=data.train_y[:n]) for n in (5, 6)]
    prints = {data.fingerprint(), *(other.fingerprint() for other in others)}
    assert data.fingerprint() == tabular_data().fingerprint()
    assert 9 == len(prints)


def test_examples_and_labels_must_be_equally_many() -> None:
    """A data set that does not fit together is refused where it is made."""
    data = tabular_data()
    with pytest.raises(InputError, match=r"train_x and train_y must hold equally many examples .* got 240, 239"):
        replace(data, train_y=data.train_y[1:])
    with pytest.raises(InputError, match="test_x and test_y"):
        Dataset(data.train_x, data.train_y, data.test_x[:0], data.test_y[:0])


def test_a_fingerprint_copies_nothing() -> None:
    """It is that of the bytes in memory, as earlier versions stored it."""
    x, y = torch.zeros(2, 3, dtype=torch.uint8), torch.tensor([0, 1])
    data = Dataset(x, y, torch.ones(1, 3).byte(), torch.tensor([1]))
    assert "66db487f32907fc7" == data.fingerprint()
    for array in data.arrays().values():
        assert any(array.ctypes.data == tensor.data_ptr() for tensor in vars(data).values() if tensor is not None)


def test_arrays_give_the_same_data_set_again() -> None:
    """With groups or a validation part of its own, without a copy."""
    data = tabular_data()
    for whole in (
        data,
        replace(data, groups=torch.arange(240)),
        replace(data, validation_x=data.train_x[:7], validation_y=data.train_y[:7]),
    ):
        assert whole.fingerprint() == Dataset.from_arrays(whole.arrays()).fingerprint()


def test_the_first_examples_of_every_part_are_taken() -> None:
    """Each to its number; groups are left out, as a few examples could not be divided by them."""
    data = tabular_data()
    cut = replace(data, groups=torch.arange(240)).first(50, 9)
    assert (50, 50, 9, 9) == tuple(len(array) for array in cut.arrays().values())
    own = replace(data, validation_x=data.train_x[:20], validation_y=data.train_y[:20]).first(50, 9)
    assert (50, 50, 9, 9, 9, 9) == tuple(len(array) for array in own.arrays().values())


DATA = tabular_data()


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"validation_x": DATA.test_x}, "validation_x and validation_y go together: give validation_y too"),
        (
            {"validation_x": DATA.test_x, "validation_y": DATA.test_y[1:]},
            "validation_x and validation_y must hold equal",
        ),
        (
            {"validation_x": DATA.test_x[:, 1:], "validation_y": DATA.test_y},
            r"validation_x must hold examples like those",
        ),
        (
            {"validation_x": DATA.test_x.double(), "validation_y": DATA.test_y},
            r"of torch.float32, got \(6,\) of torch.fl",
        ),
        (
            {"groups": torch.arange(239)},
            r"groups must be a whole number for each of the 240 training examples, got \(239",
        ),
        ({"groups": torch.zeros(240)}, "got .* of torch.float32"),
        ({"groups": [1] * 240}, "groups must be one tensor"),
        (
            {"groups": torch.arange(240), "validation_x": DATA.test_x, "validation_y": DATA.test_y},
            "groups decide how a validation part is drawn: leave them out",
        ),
    ],
    ids=["alone", "unequal", "shape", "type", "too few", "floats", "list", "both"],
)
def test_what_does_not_fit_together_is_refused(fields, complaint) -> None:
    """One line: the field, the rule and what was given."""
    with pytest.raises(InputError, match=complaint):
        replace(DATA, **fields)


@pytest.mark.parametrize(("wrong", "given"), [({"input_ids": 1}, "dict"), (torch.tensor(1.0), "a single number")])
def test_inputs_that_are_not_one_tensor_are_refused(wrong, given) -> None:
    """A dictionary of inputs is named as what it is."""
    with pytest.raises(InputError, match=rf"train_x must be one tensor \[examples, \.\.\.\], got {given}"):
        replace(tabular_data(), train_x=wrong)
