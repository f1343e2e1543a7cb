"""A training function by its address."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from typing import Any

from lrsearch.config.trust import note_loaded
from lrsearch.errors import InputError
from lrsearch.passwords import described


def load_training(address: str) -> Callable[[Any], object]:
    """Import a training function, "package.module:function"; this runs the module's code.

    Raises:
        InputError: if it cannot be imported, or takes something else than one run.
    """
    module_name, _, name = address.partition(":")
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:  # a person's own module may raise anything, and a script ends itself
        raise InputError(f"training {address!r} cannot be imported: {described(error)}") from error
    function: Callable[[Any], object] | None = getattr(module, name, None)
    if not callable(function):
        raise InputError(f"training {address!r}: {module_name} has no function {name!r}")
    try:
        inspect.signature(function).bind(None)
    except TypeError as error:
        raise InputError(
            f"training {address!r} must take one argument, the run, got {name}{inspect.signature(function)}"
        ) from error
    except ValueError:  # a builtin that does not say what it takes
        pass
    note_loaded(address)
    return function
