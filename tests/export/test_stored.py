"""Which trials are chosen: the best, of a family or of all, or what is recommended."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from lrsearch.config import StudyConfig
from lrsearch.errors import InputError
from lrsearch.experiment.options import RunOptions
from lrsearch.export import best_trials, exported, load_configuration, render, write_files
from lrsearch.export.stored import recommended_trials
from lrsearch.search.optimize import run_search
from lrsearch.storage import StoredStudy
from lrsearch.verdict.study_verdict import study_verdict
from tests.export.documents import STUDY, document, example


def test_the_top_are_ranked_over_all_replicates_and_written_to_a_folder(source, tmp_path):
    """Best first, one file each."""
    ranked = [trial.value for _, trial in best_trials(source, top=6)]
    assert sorted(ranked, reverse=True) == ranked
    places = write_files(exported(source, "yaml", top=3, by="search"), tmp_path / "best", as_folder=True)
    assert ["01", "02", "03"] == [place.name[:2] for place in places]
    scores = [load_configuration(place).scores["search_value"] for place in places]
    assert ranked[:3] == scores


def test_what_is_not_there_is_said(source, storage):
    """Too few trials, an unknown study, no confirmation: one line each, with what there is."""
    with pytest.raises(
        InputError, match=r"3 complete trials of cosine were asked for, got 2 in .*; complete are: .*flat"
    ):
        best_trials(source, "cosine", top=3)
    with pytest.raises(InputError, match="no study 'other' in this storage; there are: small"):
        StoredStudy.open(storage, "other")
    with pytest.raises(InputError, match="nothing is recommended before it is confirmed"):
        recommended_trials(replace(source, confirmation=None))
    with pytest.raises(InputError, match=r"no complete trial of .*; complete are: [^()]*$"):
        best_trials(source, "cosine (A/A)")  # a control of the confirmation is no configuration to take
    with pytest.raises(InputError, match=r"steps must be at most \d+ \(10000 epochs of \d+\), got 99999999"):
        exported(source, "yaml", steps=99_999_999)
    with pytest.raises(InputError, match="format must be one of yaml, json"):
        render(document(example("cosine")), "xml")


def test_the_recommended_are_those_of_the_verdict(source, tmp_path):
    """One file for each entry that compare does not show to be worse, the preferred first; baselines count."""
    comparison = study_verdict(source).comparison
    names = [comparison.preferred, *(set(comparison.recommended) - {comparison.preferred})]
    files = exported(source, "json", recommended=True)
    expected = ["constant" if name == "flat" else name for name in names]
    families = [json.loads(text)["schedule"]["family"] for text in files.values()]
    assert (expected[0], sorted(expected)) == (families[0], sorted(families))


def test_replicates_are_one_name(tmp_path):
    """NAME stands for the searches NAME/search-00 ..., and one of them can be named."""
    url = f"sqlite:///{tmp_path}/study.db"
    changes = {"search": {"families": ("constant",), "trials": 1, "replicates": 2}, "baseline": []}
    config = StudyConfig.from_dict({**STUDY, **changes})
    run_search(config, RunOptions(storage=url, device="cpu", workers=1))
    assert ["small/search-00", "small/search-01"] == [part.name for part in StoredStudy.open(url, "small").searches]
    assert ["small/search-01"] == [part.name for part in StoredStudy.open(url).only("small/search-01").searches]
    assert 2 == len(best_trials(StoredStudy.open(url), top=2))
