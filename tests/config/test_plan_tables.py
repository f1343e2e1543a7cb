"""The plan of a study file: its contrasts and its analyses."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from lrsearch.config import StudyConfig
from lrsearch.config.plan_tables import ContrastsConfig


def test_contrasts_are_against_one_or_of_groups() -> None:
    """Both at once, or neither, is no plan."""
    assert "constant" == ContrastsConfig(against="constant").against
    for wrong in ({}, {"against": "a", "groups": {"b": ("c",)}}):
        with pytest.raises(ValidationError, match="either against or groups"):
            ContrastsConfig.model_validate(wrong)


def test_every_planned_look_has_its_share_of_alpha() -> None:
    """Two looks halve it; without looks it is all of it."""
    assert 0.025 == StudyConfig.from_dict({"plan": {"looks": [8, 12]}}).plan.alpha_per_analysis
    assert 0.05 == StudyConfig().plan.alpha_per_analysis
