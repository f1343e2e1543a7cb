"""The application, and commands that take their flags in groups: a parameter that is a dataclass is a flag a field."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Annotated, Any, get_type_hints

import typer

app = typer.Typer(
    help="Which learning-rate schedule should I use, how sure am I, and is the difference worth caring about?",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _say_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version  # takes longer to import than the commands

        typer.echo(f"lrsearch {version('lrsearch')}")
        raise typer.Exit


@app.callback()
def _options(
    show: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    del show


def command(function: Callable[..., None]) -> Callable[..., None]:
    """Register a function as the command of its name, each of its parameters, or of their fields, as a flag."""
    hints = get_type_hints(function, include_extras=True)
    groups: dict[str, Any] = {name: hint for name, hint in hints.items() if is_dataclass(hint)}
    flags: list[Parameter] = []
    for name, parameter in signature(function).parameters.items():
        if name in groups:
            flags += _fields(groups[name])
        else:
            flags.append(Parameter(name, Parameter.KEYWORD_ONLY, default=parameter.default, annotation=hints[name]))

    @wraps(function)
    def flat(**values: Any) -> None:
        made = {name: group(**{f.name: values.pop(f.name) for f in fields(group)}) for name, group in groups.items()}
        function(**values, **made)

    flat.__signature__ = Signature(flags)  # type: ignore[attr-defined]
    flat.__annotations__ = {flag.name: flag.annotation for flag in flags}
    app.command()(flat)
    return function


def _fields(group: Any) -> list[Parameter]:
    hints = get_type_hints(group, include_extras=True)
    return [
        Parameter(f.name, Parameter.KEYWORD_ONLY, default=f.default, annotation=hints[f.name]) for f in fields(group)
    ]
