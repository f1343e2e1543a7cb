"""The study file to start from is one."""

import tomllib

import pytest

from lrsearch.config import StudyConfig
from lrsearch.config.template import study_template


@pytest.mark.parametrize("workload", [None, "package.module:function"])
def test_it_is_a_study_file(workload) -> None:
    """It is accepted as it is, and with its last lines, a fixed schedule, no longer commented out."""
    text = study_template("mine.toml", 'mine "1"', workload)
    config = StudyConfig.from_dict(tomllib.loads(text))
    assert ('mine "1"', workload or config.workload) == (config.name, config.workload)
    head, _, own = text.partition("#\n# [[baseline]]")
    shown = StudyConfig.from_dict(tomllib.loads(f"{head}\n[[baseline]]{own.replace('# ', '')}"))
    assert ["mine"] == [baseline.name for baseline in shown.baseline]
