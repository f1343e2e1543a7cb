"""Run an lrsearch command that searches, and write down its times: BEGUN FILE DEVICE COMMAND... (see gpu_search)."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

_ENTERED = time.time()
_NAMES = ("data", "study", "estimate", "evaluation", "loop")


def main(begun: float, path: Path, device: str, command: list[str]) -> int:
    """Run the command with its parts timed, and return its exit code."""
    import torch

    from lrsearch.__main__ import main as lrsearch
    from lrsearch.planning import cost
    from lrsearch.search import loop, optimize
    from lrsearch.training import stack

    imported = time.time()
    seconds = dict.fromkeys(_NAMES, 0.0)
    states: list[Any] = []

    def timed(name: str, function: Callable[..., Any], *, waits: bool = False) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            wait = torch.cuda.synchronize if waits and device == "cuda" else lambda: None
            wait()
            before = time.perf_counter()
            try:
                return function(*given, **named)
            finally:
                wait()
                seconds[name] += time.perf_counter() - before

        return call

    run = timed("loop", loop.SearchLoop.run)

    def searched(self: Any) -> None:
        seconds["evaluation"] = 0.0  # that of the estimate
        states.append(self._state)
        run(self)

    loop.SearchLoop.run = searched  # type: ignore[method-assign]
    for module, attribute, name in (
        (optimize, "prepare_experiment", "data"),
        (optimize, "open_storage", "study"),
        (optimize, "prepare_studies", "study"),
        (cost, "search_cost", "estimate"),
    ):
        setattr(module, attribute, timed(name, getattr(module, attribute)))
    stack.evaluate = timed("evaluation", stack.evaluate, waits=True)
    code = lrsearch(command)
    until, times = time.time(), states[0].times
    of_search = times.preparation + times.sampler + times.storage + times.training + times.pruner
    parts = {
        "python": _ENTERED - begun,
        "imports": imported - _ENTERED,
        **{name: seconds[name] for name in _NAMES[:3]},
        "stack": times.preparation,
        "sampler": times.sampler,
        "storage": times.storage,
        "training": times.training - seconds["evaluation"],
        "evaluation": seconds["evaluation"],
        "pruner": times.pruner,
        "rest": seconds["loop"] - of_search,
    }
    path.write_text(json.dumps({**parts, "until": until}), encoding="utf-8")
    return code


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4:]))
