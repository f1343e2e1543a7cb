"""Runs a script in parts of ten minutes at most, and none twice: what stands in its JSON file is not run again.

    python studies/benchmarks/SCRIPT.py --json FILE             every part that FILE lacks, one after the other
    python studies/benchmarks/SCRIPT.py --json FILE --part 2    one part, by its number or its name
    python studies/benchmarks/SCRIPT.py --json FILE --device cpu --small

On a GPU each part is a process of its own, so that a crash or a broken CUDA context costs that part alone; it is
reported with its traceback, the exit code is 1, and the next call runs it again. FILE holds the machine, and goes on
only on a machine with the same device: figures of a processor are never taken for those of a GPU.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from machine import heading, machine, write_json

from lrsearch.errors import InputError
from lrsearch.training.device import choose_device, set_up_device

Rows = list[dict[str, Any]]
Parts = Mapping[str, Callable[[argparse.Namespace], Rows]]

MOST_SECONDS = 600
_PASSING = ("json", "part", "in_process", "apart", "seconds")


class Unfinished(Exception):
    """A part has used its time and goes on in the next call; `rows` are what it has so far."""

    def __init__(self, rows: Rows) -> None:
        super().__init__(f"{len(rows)} rows so far")
        self.rows = rows


def run_script(
    script: str,
    parts: Parts,
    argv: Sequence[str] | None,
    *,
    flags: Callable[[argparse.ArgumentParser], object] = lambda _: None,
    small: Mapping[str, Any],
) -> int:
    """Run the parts that are asked for, and return the exit code.

    Args:
        script: its file; the docstring of its module is the help.
        parts: by name, in their order; each takes the parsed flags, with `earlier`, its rows of a call before.
        argv: the command line; that of the process if None.
        flags: adds the flags of the script.
        small: the defaults that `--small` changes.
    """
    given = list(sys.argv[1:] if argv is None else argv)
    args = _parse(given, parts, flags, small)
    try:
        choose_device(args.device)
        result = _begun(args)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    print(heading(result["machine"]))
    apart = (args.device == "cuda" or args.apart) and not args.in_process
    names = [_named(parts, part) for part in args.part] if args.part else list(parts)
    for name in names:
        before = result["parts"].get(name, {})
        if "rows" in before and not before.get("unfinished"):
            print(f"\n{name}\nstands in {args.json} already")
            continue
        begun = time.perf_counter()
        part = _apart(script, name, given, args, result) if apart else _here(parts[name], args, before)
        result["parts"][name] = {**part, "seconds": before.get("seconds", 0.0) + time.perf_counter() - begun}
        print(f"\n{name} ({result['parts'][name]['seconds']:.1f} s)\n{table(part)}", flush=True)
        write_json(args.json, result)
    if unfinished := [name for name in names if result["parts"][name].get("unfinished")]:
        print(f"\nunfinished, for another call: {', '.join(unfinished)}")
    if failed := [name for name in broken(result) if name in names]:
        print(f"\nFAILED: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _parse(
    given: list[str], parts: Parts, flags: Callable[[argparse.ArgumentParser], object], small: Mapping[str, Any]
) -> argparse.Namespace:
    names = ", ".join(f"{number} {name}" for number, name in enumerate(parts, 1))
    parser = argparse.ArgumentParser(description=f"Parts: {names}.")
    parser.add_argument("--json", type=Path, required=True, help="the results; what it lacks is added")
    parser.add_argument("--part", nargs="+", help=f"what is run (default: all): {names}")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--small", action="store_true", help="a minute's work, to try the script out")
    parser.add_argument("--seconds", type=float, default=MOST_SECONDS - 20, help="after which a part is stopped")
    parser.add_argument("--apart", action="store_true", help="a process for every part on the CPU too")
    parser.add_argument("--in-process", action="store_true", help="every part in this process on a GPU too")
    flags(parser)
    if parser.parse_known_args(given)[0].small:
        parser.set_defaults(**small)
    return parser.parse_args(given)


def _begun(args: argparse.Namespace) -> dict[str, Any]:
    """Return what the file holds, if it was begun on such a machine and with such flags, or an empty result."""
    given = {name: value for name, value in vars(args).items() if name not in _PASSING}
    arguments = json.loads(json.dumps(given, default=str))
    fresh = {"machine": machine(args.device), "on_gpu": args.device == "cuda", "arguments": arguments, "parts": {}}
    if not args.json.exists():
        return fresh
    result: dict[str, Any] = json.loads(args.json.read_text(encoding="utf-8"))
    for what, here, there in (
        ("device", fresh["machine"]["device"], result["machine"]["device"]),
        ("flags", arguments, result["arguments"]),
    ):
        if here != there:
            raise InputError(f"{args.json} was begun with {what} {there}, and this is {here}: give another --json")
    return result


def _named(parts: Parts, given: str) -> str:
    names = list(parts)
    if given.isdigit() and 1 <= int(given) <= len(names):
        return names[int(given) - 1]
    if given not in parts:
        raise SystemExit(f"--part must be 1 to {len(names)} or one of {', '.join(names)}, got {given}")
    return given


def _here(part: Callable[[argparse.Namespace], Rows], args: argparse.Namespace, before: Mapping[str, Any]) -> Any:
    """Run a part in this process, and return its rows or what stopped it."""
    set_up_device(args.device)
    args.earlier = before.get("rows", [])
    try:
        return {"rows": part(args)}
    except Unfinished as unfinished:
        return {"rows": unfinished.rows, "unfinished": True}
    except Exception:
        return {"failed": traceback.format_exc()}


def _apart(script: str, name: str, given: list[str], args: argparse.Namespace, result: dict[str, Any]) -> Any:
    """Run a part in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "part.json"
        write_json(path, result)
        command = [sys.executable, script, *given, "--part", name, "--in-process", "--json", str(path)]
        limit = min(args.seconds, MOST_SECONDS)
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False)
        except subprocess.TimeoutExpired:
            return {"failed": f"no end after {limit:.0f} seconds (--seconds)"}
        part = json.loads(path.read_text(encoding="utf-8"))["parts"].get(name)
        return part or {"failed": f"exit code {done.returncode}\n{done.stderr[-4000:]}"}


def table(part: Mapping[str, Any]) -> str:
    """Return a part's rows as text, or why there are none."""
    if "failed" in part:
        return f"FAILED\n{part['failed']}"
    rows = [{name: _cell(value) for name, value in row.items()} for row in part["rows"]]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    if not columns:
        return "nothing asked for"
    widths = {name: max(len(name), *(len(row.get(name, "")) for row in rows)) for name in columns}
    lines = ["  ".join(f"{name:>{widths[name]}}" for name in columns)]
    return "\n".join(lines + ["  ".join(f"{row.get(name, ''):>{widths[name]}}" for name in columns) for row in rows])


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def broken(result: Mapping[str, Any]) -> list[str]:
    """Return the parts that failed or found a difference that is not allowed."""
    parts = result["parts"].items()
    return [name for name, part in parts if "failed" in part or any(row.get("ok") is False for row in part["rows"])]


def synchronize(device: str) -> None:
    """Wait for the GPU, if there is one."""
    if device == "cuda":
        torch.cuda.synchronize()
