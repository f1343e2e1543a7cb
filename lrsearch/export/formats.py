"""The formats: a configuration as the text of one file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import tomli_w
import yaml

from lrsearch.config.files import MOST_YAML_VALUES, make_folder, write_text
from lrsearch.errors import InputError
from lrsearch.export.configuration import configuration
from lrsearch.export.document import Configuration
from lrsearch.export.hf import hf_code
from lrsearch.export.optax_code import optax_code
from lrsearch.export.python_code import python_code
from lrsearch.export.source_code import comments, joined, run_rates
from lrsearch.export.stored import By, chosen_trials, recommended_trials
from lrsearch.export.timm import timm_code
from lrsearch.schedules import FAMILIES, ReduceOnPlateau
from lrsearch.storage import StoredStudy


def rates_csv(chosen: Configuration) -> str:
    """Return `step,lr` (`epoch,lr` where the schedule steps by the epoch) of the whole run, below comment lines.

    Raises:
        InputError: for reduce_on_plateau, whose rates are not known before it is trained.
    """
    return joined(_rates(chosen))


def _rates(chosen: Configuration) -> Iterator[str]:
    schedule = chosen.to_schedule()
    if isinstance(schedule, ReduceOnPlateau):
        raise InputError(
            f"csv cannot hold {schedule.family}: its rates depend on the validation loss; export --format python can"
        )
    yield from comments(chosen)
    yield f"{chosen.interval},lr"
    yield from (f"{step},{rate!r}" for step, rate in enumerate(run_rates(schedule).tolist()))


_FRAME = 4
"""The beginnings and ends of a stream of one document."""


def _yaml(document: dict[str, Any]) -> str:
    if (values := _FRAME + _count(document)) > MOST_YAML_VALUES:
        raise InputError(f"yaml may hold {MOST_YAML_VALUES} values, and this has {values}: use json or toml")
    return str(yaml.safe_dump(document, sort_keys=False, allow_unicode=True))


def _count(value: Any) -> int:
    """Return the names, values, beginnings and ends that a parser of YAML reads for a value."""
    if isinstance(value, dict):
        return 2 + sum(1 + _count(item) for item in value.values())
    return 2 + sum(map(_count, value)) if isinstance(value, list | tuple) else 1


@dataclass(frozen=True)
class Format:
    """A kind of file: the suffix of its name, and how a document becomes its text.

    `nearest` does so where the format may take the nearest curve that it has; None where it needs none.
    """

    suffix: str
    render: Callable[[dict[str, Any]], str]
    nearest: Callable[[dict[str, Any]], str] | None = None


def _code(render: Callable[[Configuration], str]) -> Callable[[dict[str, Any]], str]:
    return lambda document: render(Configuration.from_dict(document))


FORMATS: dict[str, Format] = {
    "yaml": Format(".yaml", _yaml),
    "json": Format(".json", lambda document: json.dumps(document, indent=2) + "\n"),
    "toml": Format(".toml", tomli_w.dumps),
    "python": Format(".py", _code(python_code)),
    "csv": Format(".csv", _code(rates_csv)),
    "hf": Format(".py", _code(hf_code), _code(partial(hf_code, approximate=True))),
    "timm": Format(".py", _code(timm_code), _code(partial(timm_code, approximate=True))),
    "optax": Format(".py", _code(optax_code)),
}


def render(document: dict[str, Any], form: str, *, approximate: bool = False) -> str:
    """Return the text of a file in one of FORMATS; with `approximate` of the nearest curve that the format has.

    Raises:
        InputError: for another format, or where this one cannot express the schedule exactly (or, with `approximate`,
            has nothing near).
    """
    if form not in FORMATS:
        raise InputError(f"format must be one of {', '.join(FORMATS)}, got {form!r}")
    chosen = FORMATS[form]
    return (chosen.nearest if approximate and chosen.nearest else chosen.render)(document)


def formats_of(family: str) -> tuple[str, ...]:
    """Return the formats that can hold a family; hf, timm and optax may refuse some of its parameters."""
    cls = FAMILIES[family]
    lacks = {"csv": cls.reads_metric, "optax": cls.optax is None}
    lacks |= {"hf": "transformers" not in cls.twins, "timm": "timm" not in cls.twins}
    return tuple(form for form in FORMATS if not lacks.get(form))


def format_of(output: Path | None, form: str | None) -> str:
    """Return the format asked for, or the one that the file's suffix names first, or yaml where there is none.

    Raises:
        InputError: for a suffix of no format.
    """
    by_suffix = {export.suffix: name for name, export in reversed(FORMATS.items())} | {".yml": "yaml", "": "yaml"}
    suffix = output.suffix.lower() if output else ""
    if form is None and suffix not in by_suffix:
        suffixes = ", ".join(sorted(filter(None, by_suffix)))
        raise InputError(f"the suffix of --output must be one of {suffixes}, got {suffix!r}; or name the --format")
    return form or by_suffix[suffix]


def exported(
    study: StoredStudy,
    form: str,
    *,
    family: str | None = None,
    top: int = 1,
    recommended: bool = False,
    by: By = "verdict",
    steps: int | None = None,
    approximate: bool = False,
) -> dict[str, str]:
    """Return the files of the chosen configurations, best first: name to text.

    Args:
        study: where they come from.
        form: one of FORMATS.
        family: only of this family, or the candidate of this name in a confirmation.
        top: the number of configurations.
        recommended: instead, each candidate that the confirmation recommends, the preferred first.
        by: what chooses where neither is given: the verdict once there is one, or the search.
        steps: the length that the schedule is rescaled to.
        approximate: take the nearest curve where the format has none that is exact; a warning says how it differs.

    Raises:
        InputError: if there are too few, or the format cannot express one of them exactly.
        RunError: if the verdict recommends nothing.
    """
    files = {}
    choice = recommended_trials(study) if recommended else chosen_trials(study, family, top=top, by=by)
    for place, (part, record) in enumerate(choice.trials, start=1):
        document = configuration(study, part, record, steps=steps, chosen=choice.reason)
        text = render(document, form, approximate=approximate)
        files[f"{place:02d}-{document['schedule']['family']}{FORMATS[form].suffix}"] = text
    return files


def write_files(files: dict[str, str], output: Path, *, as_folder: bool) -> list[Path]:
    """Write one file to `output`, or all of them into the folder `output`; return where they are.

    Raises:
        InputError: if a file cannot be written.
    """
    places = [output / name for name in files] if as_folder else [output]
    if as_folder:
        make_folder(output)
    for place, text in zip(places, files.values(), strict=True):
        write_text(place, text)
    return places
