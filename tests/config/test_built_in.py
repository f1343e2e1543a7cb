"""Studies that come with lrsearch are found by name, in a clone and where it is installed."""

import tomllib
from pathlib import Path

import pytest

from lrsearch.config import StudyConfig, built_in_studies, built_in_study
from lrsearch.config.built_in import study_path
from lrsearch.errors import InputError

ROOT = Path(__file__).parent.parent.parent


def test_all_of_them_are_in_the_wheel() -> None:
    """What the folder holds is what pyproject.toml lists."""
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    expected = {f"studies/{name}.toml": f"lrsearch/studies/{name}.toml" for name in built_in_studies()}
    assert {"quick", "article", "fashion_lenet", "verdict_small"} <= built_in_studies().keys()
    assert expected == wheel["force-include"]


def test_a_name_stands_for_its_file_unless_a_file_has_that_name(folder) -> None:
    """A path is taken as it is, whether a file is there or not."""
    assert "quick" == StudyConfig.load("quick").name
    assert built_in_study("quick") == study_path(Path("quick"))
    assert Path("quick.toml") == study_path("quick.toml")
    Path("quick").write_text('name = "mine"')
    assert "mine" == StudyConfig.load("quick").name


@pytest.mark.parametrize("find", [built_in_study, study_path])
def test_an_unknown_name_is_refused_with_the_likeliest(folder, find) -> None:
    """One line."""
    with pytest.raises(InputError, match="did you mean 'quick'"):
        find("quik")
