"""The study files that come with lrsearch, by name."""

from __future__ import annotations

from pathlib import Path

from lrsearch.errors import InputError
from lrsearch.text import did_you_mean


def built_in_studies() -> dict[str, Path]:
    """Return {name: path} of the study files that come with lrsearch, in a clone and where it is installed."""
    package = Path(__file__).parent.parent
    inside = package / "studies"
    folder = inside if inside.is_dir() else package.parent / "studies"
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def built_in_study(name: str) -> Path:
    """Return the path of a study file that comes with lrsearch.

    Raises:
        InputError: if there is none of this name.
    """
    studies = built_in_studies()
    if name not in studies:
        raise InputError(f"no study {name!r} is built in{did_you_mean(name, studies)}")
    return studies[name]


def is_study_file(given: str) -> bool:
    """Return whether a user means a study file: one that is there, one called *.toml, or a built-in study."""
    path = Path(given)
    return path.is_file() or path.suffix == ".toml" or given in built_in_studies()


def study_path(given: str | Path) -> Path:
    """Return the file that a user means: one of this path, or else the built-in study of this name.

    Raises:
        InputError: for a name that is neither.
    """
    path, name = Path(given), str(given)
    if path.is_file() or path.suffix or path.name != name:
        return path
    studies = built_in_studies()
    if name not in studies:
        raise InputError(f"there is no study file {name!r}, and none is built in{did_you_mean(name, studies)}")
    return studies[name]
