"""Arguments of the public functions: each of a wrong type is refused in one line that names it."""

from collections.abc import Callable, Mapping, Sequence
from inspect import signature
from pathlib import Path
from typing import Any, Literal

import numpy as np
import optuna
import pytest
import torch
from numpy.typing import ArrayLike

import lrsearch
from lrsearch.config.arguments import checked


@checked
def _example(
    number: float | None = None,
    whole: int = 1,
    *,
    path: str | Path = "",
    kind: Literal["a", "b"] = "a",
    names: Sequence[str] = (),
    table: Mapping[str, Any] | None = None,
    call: Callable[[int], int] | None = None,
    array: ArrayLike | None = None,
) -> tuple[Any, ...]:
    return number, whole, path, kind, names, table, call, array


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"number": "5"}, "number must be a number, got '5'"),
        ({"number": True}, "number must be a number, got True"),
        ({"number": 10**30}, "number: whole numbers must have at most 63 bits, got one of 100"),
        ({"whole": 5.0}, "whole must be an integer, got 5.0"),
        ({"whole": np.float32(2)}, "whole must be an integer, got 2.0"),
        ({"whole": None}, "whole must be an integer, got None"),
        ({"path": b"x"}, "path must be text or a Path, got b'x'"),
        ({"path": "a\0b"}, "path: it holds a NUL character: 'a\\x00b'"),
        ({"path": Path("a\0b")}, "path: it holds a NUL character: 'a\\x00b'"),
        ({"kind": "c"}, "kind must be 'a' or 'b', got 'c'"),
        ({"names": "abc"}, "names must be a list, got 'abc'"),
        ({"names": ["a", 3]}, "names[1] must be text, got 3"),
        ({"table": [1]}, "table must be a dictionary, got [1]"),
        ({"call": 3}, "call must be a function, got 3"),
    ],
)
def test_wrong_types(given, message):
    """Nothing is converted, and the line names argument, rule and value."""
    with pytest.raises(lrsearch.InputError) as caught:
        _example(**given)
    assert message == str(caught.value)


def test_right_types_pass():
    """Numbers of NumPy become Python's; arrays stay arrays where they are asked for."""
    array = np.arange(3)
    given = _example(np.float64(0.5), np.int64(3), path=Path("x"), names=np.array(["a"]), call=abs, array=array)
    assert (0.5, 3, Path("x"), "a", ["a"], None, abs, array) == given
    assert [float, int] == [type(value) for value in given[:2]]
    with pytest.raises(TypeError, match="unexpected keyword argument 'nmber'"):
        _example(nmber=3)


_SCORES = np.random.default_rng(0).normal(90, 1, (8, 2))
_NOWHERE = {"storage": "sqlite:///none/x.db"}
_PUBLIC: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "optimize": (lrsearch.optimize, {"config": lrsearch.StudyConfig(), **_NOWHERE}),
    "run": (lrsearch.run, {"config": lrsearch.StudyConfig(), **_NOWHERE}),
    "confirm": (lrsearch.confirm, {"study": "x", **_NOWHERE}),
    "compare": (lrsearch.compare, {"study": "x", **_NOWHERE}),
    "compare_studies": (lrsearch.compare_studies, {"studies": ["x", "y"], **_NOWHERE}),
    "write_report": (lrsearch.write_report, {"study": "x", **_NOWHERE}),
    "best_schedule": (lrsearch.best_schedule, {"study": "x", **_NOWHERE}),
    "export_schedule": (lrsearch.export_schedule, {"study": "x", **_NOWHERE}),
    "train_exported": (lrsearch.train_exported, {"path": "none.yaml"}),
    "compare_scores": (
        lrsearch.compare_scores,
        {"scores": _SCORES, "families": ["a", "b"], "rope": 0.3, "rng": np.random.default_rng(0)},
    ),
    "compare_runs": (
        lrsearch.compare_runs,
        {"runs": {"a": [90.0, 91.0, 92.0], "b": [90.0, 91.5, 92.5]}, "rope": 0.3, "rng": np.random.default_rng(0)},
    ),
    "compare_sequential": (lrsearch.compare_sequential, {"candidate": [90.0, 91.0], "baseline": [90.5, 91.5]}),
    "StudyConfig.load": (lrsearch.StudyConfig.load, {}),
    "RungPruner": (lrsearch.RungPruner, {"epochs": 3}),
    "FamilySampler": (
        lrsearch.FamilySampler,
        {"seed": 0, "space": lrsearch.FamilySampler.for_schedules(total_steps=9, families=["constant"]).space},
    ),
    "FamilySampler.for_schedules": (lrsearch.FamilySampler.for_schedules, {"total_steps": 9}),
    "Objective": (lrsearch.Objective, {"config": lrsearch.StudyConfig()}),
    "suggest_schedule": (lrsearch.suggest_schedule, {"trial": optuna.create_study().ask(), "total_steps": 9}),
    "schedule_of": (lrsearch.schedule_of, {"trial": optuna.create_study().ask()}),
    "make_schedule": (lrsearch.make_schedule, {"family": "constant", "total_steps": 9, "base_lr": 0.1}),
    "current_run": (lrsearch.current_run, {}),
    "tabulated": (lrsearch.tabulated, {"rates": [0.1, 0.2]}),
    "join": (
        lrsearch.join,
        {"parts": [lrsearch.make_schedule("constant", total_steps=9, base_lr=0.1)] * 2, "boundaries": [4]},
    ),
    "to_torch": (
        lrsearch.to_torch,
        {
            "schedule": lrsearch.make_schedule("constant", total_steps=9, base_lr=0.1),
            "optimizer": torch.optim.SGD([torch.zeros(1)], lr=1.0),
        },
    ),
}
_ARGUMENTS = [
    (name, argument.name)
    for name, (function, _) in _PUBLIC.items()
    for argument in signature(function).parameters.values()
    if argument.kind is not argument.VAR_KEYWORD
]


@pytest.mark.parametrize(("name", "argument"), _ARGUMENTS)
def test_every_argument_of_every_public_function(folder, name, argument):
    """What cannot be meant by any of them, and each in turn: one line, and nothing is made."""
    function, right = _PUBLIC[name]
    for wrong in (object(), {1: 2}, 1j):
        with pytest.raises(lrsearch.InputError) as caught:
            function(**(right | {argument: wrong}))
        assert argument in str(caught.value)
        assert "\n" not in str(caught.value)
    assert [] == list(folder.iterdir())


def test_every_public_function_is_in_the_table():
    """A new one is checked too."""
    classes = {"Comparison", "Dataset", "InputError", "Schedule", "StudyConfig", "Workload"}
    classes |= {"Run", "Pruned", "Diverged"}  # a run is made by lrsearch, and told by these errors
    assert set(lrsearch.__all__) - classes == {name for name in _PUBLIC if "." not in name}
