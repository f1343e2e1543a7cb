"""One question on several workloads: the whole script in small, and again without training anything twice."""

import json

import pytest
import torch

from lrsearch import Dataset
from lrsearch.storage import StoredStudy
from studies import over_workloads

SMALL = {"text": {"run.total_steps": 4, "run.reports": 1}, "resnet": {"training.epochs": 1}}


def test_the_studies_differ_in_what_they_train_alone() -> None:
    """The same families, trials and searches, so that they can be put together; each has its own seed."""
    studies = {name: over_workloads.study_of(name, seed=7) for name in over_workloads.WORKLOADS}
    assert ["digits", "fashion", "text", "resnet"] == [study.name for study in studies.values()]
    assert {7} == {study.seed for study in studies.values()}
    assert 1 == len({study.search for study in studies.values()})
    search = studies["text"].search
    assert (6, 36, 8) == (len(search.families), search.trials, search.replicates)


@pytest.mark.integration
def test_workloads_are_searched_judged_and_put_together(monkeypatch, tmp_path, capsys) -> None:
    """Plans first, then a verdict for each and one page of all; the same command again trains nothing."""
    x = torch.randint(256, (240, 1, 12, 12), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    images = Dataset(x[:200], torch.arange(200) % 10, x[200:], torch.arange(40) % 10)
    monkeypatch.setattr("studies.examples.fashion_resnet.load_images", lambda _: lambda: images)
    for name, value in {"EVERY": 4, "EVALUATED": 10}.items():
        monkeypatch.setattr(f"studies.examples.char_gpt.function.{name}", value)
    for name, value in {"TRIALS": 1, "SEARCHES": 6, "FAMILIES": ("constant", "cosine")}.items():
        monkeypatch.setattr(over_workloads, name, value)
    files = over_workloads.WORKLOADS
    small = {name: (files[name][0], files[name][1] | changes) for name, changes in SMALL.items()}
    monkeypatch.setattr(over_workloads, "WORKLOADS", small)
    arguments = ["--seed", "3", "--folder", str(tmp_path), "--workers", "1"]

    over_workloads.main(arguments)
    printed = capsys.readouterr().out.splitlines()
    assert [f"{name}: a difference of" for name in small] == [" ".join(line.split()[:4]) for line in printed[:2]]
    together = json.loads((tmp_path / "together.json").read_text())
    assert (list(small), together["sentences"][-1]) == (together["studies"], printed[-1])
    assert together["sentences"][0] in (tmp_path / "together.html").read_text()
    assert all((tmp_path / name / "report.html").exists() for name in small)

    def stored() -> list[int]:
        studies = [StoredStudy.open(f"sqlite:///{tmp_path / 'lrsearch.db'}", name) for name in small]
        return [len(records) for study in studies for records in (study.trials, study.confirmed().runs)]

    once = stored()
    assert [12] * 4 == once
    over_workloads.main([*arguments, "--pilot", str(tmp_path)])
    assert once == stored()
    assert " over 2 studies (resnet before, resnet now): " in capsys.readouterr().out
