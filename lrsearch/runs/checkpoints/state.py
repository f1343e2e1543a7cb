"""The state of a run between two steps: of its objects, and of everything that draws random numbers."""

from __future__ import annotations

import random
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lrsearch.errors import InputError

if TYPE_CHECKING:
    import torch


def require_stateful(stateful: Mapping[str, Any]) -> None:
    """Raise InputError for an object whose state cannot be kept."""
    for name, value in stateful.items():
        has_state = hasattr(value, "state_dict") and hasattr(value, "load_state_dict")
        if not has_state and not _is_generator(value):
            raise InputError(
                f"{name} must have state_dict and load_state_dict, or be a generator of random numbers, got "
                f"{type(value).__name__}"
            )


def collected(stateful: Mapping[str, Any]) -> dict[str, Any]:
    """Return the state of the objects, of `random`, of NumPy, and of torch and CUDA, as plain data and tensors."""
    return {
        "objects": {name: _state(value) for name, value in stateful.items()},
        "random": random.getstate(),
        "numpy": _plain(np.random.get_state(legacy=False)),  # noqa: NPY002  (others draw from it)
        **_torch_states(),
    }


def restore(stateful: Mapping[str, Any], saved: Mapping[str, Any]) -> None:
    """Give the objects, and everything that draws random numbers, the state that `collected` returned.

    Raises:
        Exception: what an object raises that does not take its state.
    """
    for name, value in stateful.items():
        _set_state(value, saved["objects"][name])
    random.setstate(_tuples(saved["random"]))
    np.random.set_state(_arrays(saved["numpy"]))  # noqa: NPY002
    if "torch" in saved:
        import torch

        torch.set_rng_state(saved["torch"])
        if saved.get("cuda"):
            torch.cuda.set_rng_state_all(saved["cuda"])


def _torch_states() -> dict[str, Any]:
    """Return torch's states, where the run uses torch."""
    torch_module = sys.modules.get("torch")
    if torch_module is None:
        return {}
    import torch

    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() and torch.cuda.is_initialized() else []
    return {"torch": torch.get_rng_state(), "cuda": cuda}


def _is_generator(value: object) -> bool:
    return isinstance(value, np.random.Generator | random.Random) or hasattr(value, "initial_seed")


def _state(value: Any) -> Any:
    if isinstance(value, np.random.Generator):
        return _plain(value.bit_generator.state)
    if isinstance(value, random.Random):
        return value.getstate()
    if hasattr(value, "state_dict"):
        return value.state_dict()
    return value.get_state()


def _set_state(value: Any, state: Any) -> None:
    if isinstance(value, np.random.Generator):
        value.bit_generator.state = _arrays(state)
    elif isinstance(value, random.Random):
        value.setstate(_tuples(state))
    elif hasattr(value, "load_state_dict"):
        value.load_state_dict(state)
    else:
        generator: torch.Generator = value
        generator.set_state(state)


_ARRAY = "array of "


def _plain(value: Any) -> Any:
    """Return a state of NumPy with its arrays as lists under the name of their type."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return {_ARRAY + value.dtype.name: value.tolist()}
    return value.item() if isinstance(value, np.generic) else value


def _arrays(value: Any) -> Any:
    """Return the state of NumPy that `_plain` was given."""
    if not isinstance(value, Mapping):
        return value
    [(name, content), *_] = value.items()
    if isinstance(name, str) and name.startswith(_ARRAY):
        return np.array(content, dtype=name.removeprefix(_ARRAY))
    return {key: _arrays(item) for key, item in value.items()}


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list | tuple) else value
